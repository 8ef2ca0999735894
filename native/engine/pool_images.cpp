// Pooling some images at a time, in the thread that has them in its caches.
#include "engine/pool_images.hpp"

namespace cnn {
namespace {

using Size = std::ptrdiff_t;

Size image_of_x(const Pool2d& g) { return Size(g.H) * g.W * g.C; }
Size image_of_out(const Pool2d& g) { return Size(g.H_out) * g.W_out * g.C; }

Pool2d some_images(const Pool2d& g, int n) {
    Pool2d some = g;
    some.N = n;
    return some;
}

template <class T> std::unique_ptr<Workspace> space_for(Size numbers) {
    return std::make_unique<Workspace>((numbers + 64) * sizeof(T));
}

Size per_worker(Size numbers) { return (numbers + 63) / 64 * 64; }

}  // namespace

template <class T, class Index> T* Pooled<T, Index>::all() {
    space_ = space_for<T>(g_.N * image_of_x(g_));
    return space_->template as<T>();
}

template <class T, class Index> void Pooled<T, Index>::all_written() {
    max_pool2d_forward<T, Index>(g_, {space_->template as<T>(), nullptr, nullptr, relu_}, out_,
                                 which_);
}

template <class T, class Index> void Pooled<T, Index>::expect(int, int most, int threads) {
    per_worker_ = per_worker(most * image_of_x(g_));
    space_ = space_for<T>(per_worker_ * threads);
}

template <class T, class Index> T* Pooled<T, Index>::some(int, int, int worker) {
    return space_->template as<T>() + worker * per_worker_;
}

template <class T, class Index>
void Pooled<T, Index>::written(int, int begin, int end, int worker) {
    const Size first = begin * image_of_out(g_);
    max_pool2d_forward<T, Index>(some_images(g_, end - begin),
                                 {some(begin, end, worker), nullptr, nullptr, relu_},
                                 out_ + first, which_ + first);
}

template <class T, class Index> const T* PoolInputGradients<T, Index>::all() {
    space_ = space_for<T>(g_.N * image_of_x(g_));
    max_pool2d_backward<T, Index>(g_, dout_, which_, space_->template as<T>());
    return space_->template as<T>();
}

template <class T, class Index>
void PoolInputGradients<T, Index>::expect(int most, int threads) {
    per_worker_ = per_worker(most * image_of_x(g_));
    space_ = space_for<T>(per_worker_ * threads);
}

template <class T, class Index>
const T* PoolInputGradients<T, Index>::some(int begin, int end, int worker) {
    T* own = space_->template as<T>() + worker * per_worker_;
    const Size first = begin * image_of_out(g_);
    max_pool2d_backward<T, Index>(some_images(g_, end - begin), dout_ + first, which_ + first,
                                  own);
    return own;
}

#define CNN_INSTANTIATE(T)                                \
    template class Pooled<T, std::uint8_t>;               \
    template class Pooled<T, std::int32_t>;               \
    template class PoolInputGradients<T, std::uint8_t>;   \
    template class PoolInputGradients<T, std::int32_t>;
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
