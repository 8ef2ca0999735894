// What the convolution kernels are told: plain numbers and pointers, for every level.
//
// A correlation reads images in channels-last memory through a window and writes
// channels-last images. conv2d forward is one; so is its gradient towards x (with the
// filters turned round, one correlation for each phase of the stride), and so are both
// for conv_transpose2d.
#pragma once

#include <cstddef>

#include "kernels/relu.hpp"

namespace cnn {

struct Correlation {
    int N;                       // images
    int H, W, C;                 // of the source; C channels in all
    int H_out, W_out, F;         // of the result; F filters in all
    int HH, WW;                  // taps of the window
    int stride_h, stride_w;
    int pad_top, pad_left;       // zeros above and left of the source; below zero: cropped
    int dilation_h, dilation_w;
    int groups;
    int W_last;                  // pixels of the last image's rows, where they are fewer; or 0
    // where the result lies: steps between its images, rows and pixels, in numbers
    std::ptrdiff_t out_image, out_row, out_pixel;

    int C_group() const { return C / groups; }
    int F_group() const { return F / groups; }
    int W_of(int n) const { return W_last && n == N - 1 ? W_last : W_out; }
};

// Filters of one group stand in panels of `wide` filters each, the last one perhaps
// `narrow`: [panel][HH][WW*C_group][filters of the panel], tails filled with zeros.
struct Panels {
    int wide, narrow;  // tile_vectors registers, and one
    int count;         // of panels in a group
    int last;          // width of a group's last panel: wide or narrow
    std::ptrdiff_t depth;  // HH*WW*C_group

    int width(int panel) const { return panel + 1 < count ? wide : last; }
    std::ptrdiff_t group_size() const { return depth * (std::ptrdiff_t(count - 1) * wide + last); }
    std::ptrdiff_t offset(int group, int panel) const {
        return group * group_size() + depth * wide * panel;
    }
};

// How the filters of a correlation lie in the caller's array: w[f][c][u][v] at these
// steps, taps perhaps turned round or only every other one.
struct FilterSteps {
    std::ptrdiff_t group, f, c, u, v;  // in numbers; may be negative
};

template <class T> struct Epilogue {
    const T* bias;  // of F, or null
    Relu<T> relu;
    bool past_caches;  // the result is larger than they are
    const T* addend = nullptr;  // of the result's shape, added before the ReLU
    // past the caches too, where a pixel's results are no whole lines: gathered in the
    // workspace, which has staging_numbers() more; all panels are one item, and no addend
    bool gathered = false;
};

template <class T> struct CorrelationArrays {
    const T* x;
    const T* w;  // packed
    T* out;
    Epilogue<T> epilogue;
    // whether the zeros beyond an image meet the filters; they need not where all are finite
    bool border_counts = true;
    // the source is read in place, and pixels whose windows leave it have tiles of their own:
    // of one group, and where the border does not count
    bool edges_apart = false;
};

// The gradient of the filters:
//   dw[f, c, u, v] = Σ_{n, i, j} dout[n, i, j, f] · x[n, i*s + u*d - p, ...]
// The parts of a slice add to that slice's own sums, which each kernel lays out as it likes.
template <class T> struct FilterGradientArrays {
    const T* x;
    const T* dout;   // at c.out_image, c.out_row, c.out_pixel
    T* sums;         // of all slices, one after the other
    T* bias_sums;    // [slice][F], or null
};

struct FilterGradientItem {
    int slice, n_begin, n_end, panel_begin, panel_end;
    int rows;  // of the result at a time
};

constexpr std::ptrdiff_t staging_numbers(std::ptrdiff_t F, int tile_rows) {
    return tile_rows * F + 128;
}

// One item of a correlation: images, rows of the result and panels of filters.
struct CorrelationItem {
    int n_begin, n_end, i_begin, i_end, panel_begin, panel_end;
};

}  // namespace cnn
