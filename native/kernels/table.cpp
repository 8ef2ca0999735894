// This level's table of kernels.
#include "kernels/kernels.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

#define CNN_NAME_OF(level) #level
#define CNN_NAME(level) CNN_NAME_OF(level)

template <class T> constexpr Kernels<T> table() {
    return {lanes<T>,        tile_vectors,       correlate<T>,      correlate_inside<T>,
            pack_filters<T>, filter_gradient<T>, unpack_filters<T>,
            elementwise_kernels<T>(), pool_kernels<T>(), norm_kernels<T>(), loss_kernels<T>(),
            shape_kernels<T>(), step_kernels<T>()};
}

extern const Level level;
const Level level = {CNN_NAME(CNN_LEVEL), table<float>(), table<double>()};

}  // namespace cnn::CNN_LEVEL
