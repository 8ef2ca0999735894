// Convolutions whose groups are smaller than a register, as their kernels are told of them.
#pragma once

#include "kernels/correlation.hpp"

namespace cnn {

struct Groups {
    int in_block;  // whole groups whose filters share a register
    int filters;   // or so many of them, wherever a group ends; 0: whole groups
    int count;     // blocks
    bool two_registers;  // of neighbouring channels under one of filters
    std::ptrdiff_t block_size;  // numbers of a block of packed filters
};

template <int n> struct Count {
    static constexpr int value = n;
};

template <class T> struct GroupedKernels {
    bool (*pack)(const Correlation&, const Groups&, const T* w, const FilterSteps&, T* packed,
                 int block);
    // panels of the item are blocks
    void (*correlate)(const Correlation&, const Groups&, const CorrelationArrays<T>&,
                      const CorrelationItem&, T* workspace);
    void (*filter_gradient)(const Correlation&, const Groups&, const FilterGradientArrays<T>&,
                            const FilterGradientItem&, T* workspace);
    void (*unpack)(const Correlation&, const Groups&, const T* sums, int slices,
                   const FilterSteps&, T* dw, int block);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {
extern const GroupedKernels<float> grouped_f32;
extern const GroupedKernels<double> grouped_f64;
// for more channels than filters in a group
extern const GroupedKernels<float> inner_f32;
extern const GroupedKernels<double> inner_f64;
}  // namespace cnn::CNN_LEVEL
#endif
