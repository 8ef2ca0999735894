// This level's table of kernels.
#include "kernels/kernels.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

#define CNN_NAME_OF(level) #level
#define CNN_NAME(level) CNN_NAME_OF(level)

// Constants all through: nothing of a level may run before it was chosen.
template <class T> constexpr const WinogradKernels<T>* winograd() {
    if constexpr (sizeof(T) == 4) return &winograd_f32;
    else return &winograd_f64;
}

template <class T> constexpr const GroupedKernels<T>* grouped() {
    if constexpr (sizeof(T) == 4) return &grouped_f32;
    else return &grouped_f64;
}

template <class T> constexpr Kernels<T> table() {
    return {lanes<T>,        tile_vectors,       correlate<T>,      correlate_inside<T>,
            pack_filters<T>, filter_gradient<T>, unpack_filters<T>,
            winograd<T>(),   grouped<T>(),
            elementwise_kernels<T>(), pool_kernels<T>(), norm_kernels<T>(), loss_kernels<T>(),
            shape_kernels<T>(), step_kernels<T>()};
}

extern const Level level;
const Level level = {CNN_NAME(CNN_LEVEL), table<float>(), table<double>()};

}  // namespace cnn::CNN_LEVEL
