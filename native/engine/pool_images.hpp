// A maximum pooling behind a convolution: what it pools is never whole in memory.
#pragma once

#include "engine/images.hpp"
#include "engine/pool.hpp"

namespace cnn {

// Takes what is pooled, perhaps through a ReLU; `out` and `which` as in max_pool2d_forward.
template <class T, class Index> class Pooled final : public Sink<T> {
  public:
    Pooled(const Pool2d& g, bool relu, T* out, Index* which)
        : g_(g), relu_(relu), out_(out), which_(which), room_(std::ptrdiff_t(g.H) * g.W * g.C) {}
    T* all() override;
    void all_written() override;
    void expect(int parts, int most, int threads) override;
    T* some(int begin, int end, int worker) override;
    void written(int part, int begin, int end, int worker) override;
    void finish() override {}

  private:
    Pool2d g_;
    bool relu_;
    T* out_;
    Index* which_;
    RoomForImages<T> room_;
};

// The gradient of what was pooled.
template <class T, class Index> class PoolInputGradients final : public Source<T> {
  public:
    PoolInputGradients(const Pool2d& g, const T* dout, const Index* which)
        : g_(g), dout_(dout), which_(which), room_(std::ptrdiff_t(g.H) * g.W * g.C) {}
    const T* all() override;
    void expect(int most, int threads) override;
    const T* some(int begin, int end, int worker) override;

  private:
    Pool2d g_;
    const T* dout_;
    const Index* which_;
    RoomForImages<T> room_;
};

}  // namespace cnn
