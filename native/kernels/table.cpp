// This level's table of kernels.
#include "kernels/kernels.hpp"
#include "simd/lanes.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

#define CNN_NAME_OF(level) #level
#define CNN_NAME(level) CNN_NAME_OF(level)

// Constants all through: nothing of a level may run before it was chosen.
template <class T, class F32, class F64>
constexpr auto of_type(const F32* f32, const F64* f64) {
    if constexpr (sizeof(T) == 4) return f32;
    else return f64;
}

template <class T> constexpr Kernels<T> table() {
    return {lanes<T>,
            tile_vectors,
            tile_rows,
            permutes_two_registers ? 2 * lanes<T> : lanes<T>,
            correlate<T>,
            correlate_inside<T>,
            pack_filters<T>,
            of_type<T>(&filter_gradient_f32, &filter_gradient_f64),
            of_type<T>(&winograd_f32, &winograd_f64),
            of_type<T>(&winograd_rows_f32,
                       static_cast<const WinogradRowsKernels<double>*>(nullptr)),
            of_type<T>(&grouped_f32, &grouped_f64),
            of_type<T>(&inner_f32, &inner_f64),
            of_type<T>(&depthwise_f32, &depthwise_f64),
            of_type<T>(&planes_f32, &planes_f64),
            of_type<T>(&pointwise_f32, &pointwise_f64),
            elementwise_kernels<T>(), pool_kernels<T>(), norm_kernels<T>(), loss_kernels<T>(),
            shape_kernels<T>(), step_kernels<T>(), image_kernels<T>()};
}

extern const Level level;
const Level level = {CNN_NAME(CNN_LEVEL), table<float>(), table<double>()};

}  // namespace cnn::CNN_LEVEL
