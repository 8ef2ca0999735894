// What a batch norm makes of images before a convolution, and needs of those behind one.
#pragma once

#include <memory>

#include "engine/images.hpp"
#include "engine/norm.hpp"
#include "engine/norm_parts.hpp"

namespace cnn {

// A batch of channels-last images.
struct ImageRows {
    int N;
    std::ptrdiff_t rows;  // pixels of an image
    int C;

    std::ptrdiff_t image() const { return rows * C; }
    ChannelRows all() const { return {1, N * rows, C}; }
};

// out = x·scale + shift, + residual, cut off below 0 where that is wanted. Where a.out is
// null, the images stand for as long as they are read.
template <class T> class Normalized final : public Source<T> {
  public:
    Normalized(const ImageRows& m, const NormApply<T>& a) : m_(m), a_(a), room_(m.image()) {}
    const T* all() override;
    void expect(int most, int threads) override;
    const T* some(int begin, int end, int worker) override;

  private:
    ImageRows m_;
    NormApply<T> a_;
    RoomForImages<T> room_;
};

// The gradient of what a norm was given; a.dx is not used, a.dresidual is written.
template <class T> class NormInputGradients final : public Source<T> {
  public:
    NormInputGradients(const ImageRows& m, const NormInputGradient<T>& a, Mask mask)
        : m_(m), a_(a), mask_(mask), room_(m.image()) {}
    const T* all() override;
    void expect(int most, int threads) override;
    const T* some(int begin, int end, int worker) override;

  private:
    ImageRows m_;
    NormInputGradient<T> a_;
    Mask mask_;
    RoomForImages<T> room_;
};

// The statistics of images that go to `out`.
template <class T> class Statistics final : public Sink<T> {
  public:
    Statistics(const ImageRows& m, T* out, double* mean, double* var)
        : m_(m), out_(out), mean_(mean), var_(var) {}
    T* all() override { return out_; }
    void all_written() override;
    void expect(int parts, int most, int threads) override;
    T* some(int begin, int, int) override { return out_ + begin * m_.image(); }
    void written(int part, int begin, int end, int worker) override;
    void finish() override;

  private:
    ImageRows m_;
    T* out_;
    double *mean_, *var_;
    int n_parts_ = 0, most_ = 0;
    std::unique_ptr<NormParts<T>> parts_;
};

// The sums that a norm's gradient needs of a gradient that goes to `out`, where it stands as
// the mask let it through; a.dout is not used.
template <class T> class GradientSums final : public Sink<T> {
  public:
    GradientSums(const ImageRows& m, T* out, const NormGradient<T>& a, Mask mask, double* sums,
                 double* products)
        : m_(m), out_(out), a_(a), mask_(mask), sums_(sums), products_(products) {
        a_.dout = a_.through = out;
    }
    T* all() override { return out_; }
    void all_written() override;
    void expect(int parts, int most, int threads) override;
    T* some(int begin, int, int) override { return out_ + begin * m_.image(); }
    void written(int part, int begin, int end, int worker) override;
    void finish() override;

  private:
    ImageRows m_;
    T* out_;
    NormGradient<T> a_;
    Mask mask_;
    double *sums_, *products_;
    int n_parts_ = 0;
    std::unique_ptr<NormParts<T>> parts_;
};

}  // namespace cnn
