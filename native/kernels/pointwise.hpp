// 1×1 windows of few channels, as their kernel is told of them.
#pragma once

#include "kernels/correlation.hpp"

namespace cnn {

constexpr int most_pointwise_channels = 8;  // of a group

// Neighbouring channels of x.
struct Channels {
    int first, count;
};

struct Pointwise {
    int C, F, C_group, F_group;
    int pixels;  // whose filters share a register; 1 where a pixel's fill one, or more
    int blocks;  // registers of a pixel's filters: whole ones, or one
    int source;  // numbers of x under a register of results, at most
    // the result, one line after the other: how many, pixels of each and of the last one
    int lines, length, last;
    int rows;    // lines of an image
    std::ptrdiff_t x_pixel, x_row, x_image;  // steps in x
    std::ptrdiff_t staging;  // numbers of a line that is put together first, or 0

    // Those that filters f .. f+n-1 read.
    Channels channels_of(int f, int n) const {
        const int first = f / F_group * C_group;
        return {first, ((f + n - 1) / F_group + 1) * C_group - first};
    }
    // The first filter of a block: the last block's, back to where it is full.
    int first_filter(int block, int lanes) const {
        return block + 1 < blocks || block == 0 ? block * lanes : F - lanes;
    }
    std::ptrdiff_t block_size(int lanes) const { return std::ptrdiff_t(C_group + 2) * lanes; }
};

template <class T> struct PointwiseKernels {
    // w → packed [block][its channels, the lane of x that each lane reads, C_group of
    // filters][lanes]
    void (*pack)(const Pointwise&, const T* w, const FilterSteps&, T* packed, int block);
    // lines begin .. end-1
    void (*correlate)(const Pointwise&, const CorrelationArrays<T>&, int begin, int end,
                      T* workspace);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {
extern const PointwiseKernels<float> pointwise_f32;
extern const PointwiseKernels<double> pointwise_f64;
}  // namespace cnn::CNN_LEVEL
#endif
