// Where an op's images come from and go to: the whole batch at once, or some at a time.
//
// In a block, a norm makes a convolution's source, or sums are taken of its result. Done
// to the whole batch, each of these reads and writes memory once more. Done to the images
// that a worker is about to convolve, or just has, they find them in its caches.
#pragma once

#include <cstddef>
#include <memory>

#include "memory/blocks.hpp"

namespace cnn {

template <class T> class Source {
  public:
    virtual ~Source() = default;
    // The whole batch, made by all workers.
    virtual const T* all() = 0;
    // Before `some`: at most `most` images at a time, by `threads` workers.
    virtual void expect(int most, int threads) = 0;
    // Images begin .. end-1, made by this worker; they stand until it asks again.
    virtual const T* some(int begin, int end, int worker) = 0;
};

template <class T> class Sink {
  public:
    virtual ~Sink() = default;
    // Where the whole batch goes, and what follows when it is there.
    virtual T* all() = 0;
    virtual void all_written() = 0;
    // Before `some`: `parts` parts of at most `most` images, by `threads` workers.
    virtual void expect(int parts, int most, int threads) = 0;
    // Where images begin .. end-1 go, and what follows when they are there.
    virtual T* some(int begin, int end, int worker) = 0;
    virtual void written(int part, int begin, int end, int worker) = 0;
    // When all parts are written.
    virtual void finish() = 0;
};

// Room for a whole batch, or for some images of each worker; `image` numbers each.
template <class T> class RoomForImages {
  public:
    explicit RoomForImages(std::ptrdiff_t image) : image_(image) {}
    T* all(int N) {
        make(N * image_);
        return of(0);
    }
    void expect(int most, int threads) {
        per_worker_ = (most * image_ + 63) / 64 * 64;
        make(per_worker_ * threads);
    }
    T* of(int worker) const { return space_->template as<T>() + worker * per_worker_; }

  private:
    void make(std::ptrdiff_t numbers) {
        space_ = std::make_unique<Workspace>((numbers + 64) * sizeof(T));
    }

    std::ptrdiff_t image_, per_worker_ = 0;
    std::unique_ptr<Workspace> space_;
};

// Images that lie in memory, `image` numbers each.
template <class T> class PlainSource final : public Source<T> {
  public:
    PlainSource(const T* at, std::ptrdiff_t image) : at_(at), image_(image) {}
    const T* all() override { return at_; }
    void expect(int, int) override {}
    const T* some(int begin, int, int) override { return at_ + begin * image_; }

  private:
    const T* at_;
    std::ptrdiff_t image_;
};

template <class T> class PlainSink final : public Sink<T> {
  public:
    PlainSink(T* at, std::ptrdiff_t image) : at_(at), image_(image) {}
    T* all() override { return at_; }
    void all_written() override {}
    void expect(int, int, int) override {}
    T* some(int begin, int, int) override { return at_ + begin * image_; }
    void written(int, int, int, int) override {}
    void finish() override {}

  private:
    T* at_;
    std::ptrdiff_t image_;
};

}  // namespace cnn
