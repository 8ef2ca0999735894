// Pooling some images at a time, in the thread that has them in its caches.
#include "engine/pool_images.hpp"

namespace cnn {
namespace {

using Size = std::ptrdiff_t;

Size image_of_out(const Pool2d& g) { return Size(g.H_out) * g.W_out * g.C; }

Pool2d some_images(const Pool2d& g, int n) {
    Pool2d some = g;
    some.N = n;
    return some;
}

}  // namespace

template <class T, class Index> T* Pooled<T, Index>::all() { return room_.all(g_.N); }

template <class T, class Index> void Pooled<T, Index>::all_written() {
    max_pool2d_forward<T, Index>(g_, {room_.of(0), nullptr, nullptr, relu_}, out_, which_);
}

template <class T, class Index> void Pooled<T, Index>::expect(int, int most, int threads) {
    room_.expect(most, threads);
}

template <class T, class Index> T* Pooled<T, Index>::some(int, int, int worker) {
    return room_.of(worker);
}

template <class T, class Index>
void Pooled<T, Index>::written(int, int begin, int end, int worker) {
    const Size first = begin * image_of_out(g_);
    max_pool2d_forward<T, Index>(some_images(g_, end - begin),
                                 {room_.of(worker), nullptr, nullptr, relu_}, out_ + first,
                                 which_ + first);
}

template <class T, class Index> const T* PoolInputGradients<T, Index>::all() {
    T* dx = room_.all(g_.N);
    max_pool2d_backward<T, Index>(g_, dout_, which_, dx);
    return dx;
}

template <class T, class Index>
void PoolInputGradients<T, Index>::expect(int most, int threads) {
    room_.expect(most, threads);
}

template <class T, class Index>
const T* PoolInputGradients<T, Index>::some(int begin, int end, int worker) {
    T* dx = room_.of(worker);
    const Size first = begin * image_of_out(g_);
    max_pool2d_backward<T, Index>(some_images(g_, end - begin), dout_ + first, which_ + first,
                                  dx);
    return dx;
}

#define CNN_INSTANTIATE(T)                                \
    template class Pooled<T, std::uint8_t>;               \
    template class Pooled<T, std::int32_t>;               \
    template class PoolInputGradients<T, std::uint8_t>;   \
    template class PoolInputGradients<T, std::int32_t>;
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
