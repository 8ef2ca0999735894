// Batches of floats from raw images of bytes, in the thread that asks: that is mostly one
// that prepares batches while a network computes, and were it to use the pool, an op of the
// network that finds it busy would go on alone.
#include "engine/image.hpp"

#include "dispatch/dispatch.hpp"

namespace cnn {

template <class T>
void images_from_bytes(const ByteImage& g, std::ptrdiff_t N, std::ptrdiff_t n_step,
                       const std::uint8_t* images, const std::int64_t* chosen,
                       const std::int32_t (*moves)[3], const std::int32_t (*holes)[4],
                       const std::uint8_t* fill, const T* values, T* out) {
    const auto kernel = kernels<T>().image.from_bytes;
    const std::ptrdiff_t size = std::ptrdiff_t(g.C) * g.H * g.W;
    for (std::ptrdiff_t n = 0; n < N; ++n) {
        const Hole hole{holes[n][0], holes[n][1], holes[n][2], holes[n][3], fill};
        const Move move{moves[n][0], moves[n][1], (moves[n][2] & 1) != 0, (moves[n][2] & 2) != 0};
        kernel(g, move, hole, images + chosen[n] * n_step, values, out + n * size);
    }
}

#define CNN_INSTANTIATE(T)                                                                 \
    template void images_from_bytes(const ByteImage&, std::ptrdiff_t, std::ptrdiff_t,      \
                                    const std::uint8_t*, const std::int64_t*,              \
                                    const std::int32_t (*)[3], const std::int32_t (*)[4],  \
                                    const std::uint8_t*, const T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
