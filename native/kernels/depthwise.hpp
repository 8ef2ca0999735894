// Depthwise convolutions, as their kernels are told of them.
#pragma once

#include "kernels/correlation.hpp"

namespace cnn {

// Registers of a line that go together, at most.
constexpr int depthwise_registers = 4;

// Numbers of one tap of the packed filters: the channels, and once more the first ones, so that
// whole registers can be read from any channel on.
inline std::ptrdiff_t depthwise_pitch(int C, int lanes) {
    return (std::ptrdiff_t(C) + (depthwise_registers + 1) * lanes - 2) / lanes * lanes;
}

// Taps of a window along each axis: what they find stands in arrays of this size.
constexpr int depthwise_most_taps = 32;

// Rows of the result that the filters' gradient takes at a time, at most.
constexpr int depthwise_most_rows = 16;

// A result of neighbouring numbers, pixel by pixel.
inline bool depthwise_flat(const Correlation& c) { return c.out_pixel == c.C; }

// Numbers of a row at a time: no more than the line of zeros is long.
inline std::ptrdiff_t depthwise_piece(int C) { return C > 1024 ? C : 1024; }

// A line of zeros, in place of rows beyond the image.
inline std::ptrdiff_t depthwise_zeros(const Correlation& c, int lanes) {
    const std::ptrdiff_t reach = std::ptrdiff_t(c.WW - 1) * c.dilation_w + 1;
    return depthwise_piece(c.C) + (reach > 0 ? reach : 0) * c.C + 2 * lanes;
}

// Where a pixel is a register or more, that line; else what an item copies, or that line.
inline std::ptrdiff_t depthwise_workspace(const Correlation& c, int rows_out, int lanes) {
    const std::ptrdiff_t reach = std::ptrdiff_t(c.WW - 1) * c.dilation_w + 1;
    const std::ptrdiff_t zeros = depthwise_zeros(c, lanes);
    if (c.C >= lanes) return zeros;
    const std::ptrdiff_t columns = (c.W_out - 1) + (reach + c.stride_w - 1) / c.stride_w + 1;
    const std::ptrdiff_t rows = std::ptrdiff_t(rows_out - 1) * c.stride_h +
                                std::ptrdiff_t(c.HH - 1) * c.dilation_h + 1;
    const std::ptrdiff_t copied =
        (rows > 0 ? rows : 0) * columns * c.stride_w * c.C +
        (depthwise_flat(c) ? 0 : std::ptrdiff_t(rows_out) * c.W_out * c.C) + 2 * lanes;
    return copied > zeros ? copied : zeros;
}

// The gradient of the filters. A row of the result is a line of numbers here too, and is cut
// into segments of some pixels, whose sums stand apart: [tap][pitch], and those of the bias last.
struct DepthwiseGradient {
    int pixels;                     // of a segment
    std::ptrdiff_t segment, pitch;  // its numbers; the same in whole registers
    int rows;                       // of the result at a time
    bool fetch_ahead;               // the arrays are larger than the caches
    bool in_place;                  // x needs no copy with its border
    int columns;                    // pixels of a line of x
    std::ptrdiff_t x_row;           // numbers of its lines together, where they are copied
    int kept_rows;                  // of x, whose lines are kept

    std::ptrdiff_t workspace() const { return (kept_rows + 1) * x_row; }
};

template <class T> struct DepthwiseGradientArrays {
    const T* x;
    const T* dout;  // its rows one after the other
    T* sums;        // of these rows, begun with zeros
};

template <class T> struct DepthwiseKernels {
    // [HH][WW][pitch], and last whether all filters are finite: 1 or 0.
    void (*pack)(const Correlation&, const T* w, const FilterSteps&, T* packed);
    // Of an item only images and rows count; the bias is a line like one of packed filters.
    void (*correlate)(const Correlation&, const CorrelationArrays<T>&, const CorrelationItem&,
                      T* workspace);
    // Rows begin .. end-1 of the results of all images.
    void (*filter_gradient)(const Correlation&, const DepthwiseGradient&,
                            const DepthwiseGradientArrays<T>&, std::ptrdiff_t begin,
                            std::ptrdiff_t end, T* workspace);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {
extern const DepthwiseKernels<float> depthwise_f32;
extern const DepthwiseKernels<double> depthwise_f64;

template <class T>
void filter_gradient_depthwise(const Correlation&, const DepthwiseGradient&,
                               const DepthwiseGradientArrays<T>&, std::ptrdiff_t begin,
                               std::ptrdiff_t end, T* workspace);
}  // namespace cnn::CNN_LEVEL
#endif
