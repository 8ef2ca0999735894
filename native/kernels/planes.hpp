// Correlations whose lanes are pixels or images, as their kernels are told of them.
#pragma once

#include "kernels/correlation.hpp"

namespace cnn {

// One of the correlations that read the same source: a phase of a strided gradient.
struct Phase {
    Correlation c;            // of one stride, and one source, for all phases
    int rows;                 // of the result; c has half of them where two are folded
    std::ptrdiff_t out;       // where its result begins
    std::ptrdiff_t w, sums;   // where its filters and its sums begin
};

constexpr int most_phases = 9, most_plane_taps = 128;

struct Planes {
    int n_phases;
    Phase phases[most_phases];
    int fold;      // neighbouring rows of the result that a tile makes together: 1 or 2
    int filters;   // of a block, at most
    int images;    // that lie side by side in a plane, in whole registers; 1: pixels do
    int rows;      // of the result at a time
    int channels;  // at a time: of a group, or all there are
    int left, columns, pitch;      // of pixels: first column, columns of a row, step of rows
    int rows_read, columns_read;   // of as many as a stride has, those that a tap finds
    std::ptrdiff_t part, plane;    // numbers of a phase of the source's strides, of a channel
    std::ptrdiff_t sums_plane, sums_size;  // of a filter, of all
    std::ptrdiff_t line;           // numbers of a row of the result that is put together first
    std::ptrdiff_t workspace;      // numbers

    const Correlation& c() const { return phases[0].c; }
};

template <class T> struct PlanesKernels {
    // w → packed [group][block][channel][tap][filters of the block]; tells whether all are finite
    bool (*pack)(const Correlation&, int filters, const T* w, const FilterSteps&, T* packed,
                 int group);
    int (*registers)(int filters);  // of places that a tile of a block takes at most
    // panels of the item are not looked at
    void (*correlate)(const Planes&, const CorrelationArrays<T>&, const CorrelationItem&,
                      T* workspace);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {
extern const PlanesKernels<float> planes_f32;
extern const PlanesKernels<double> planes_f64;
}  // namespace cnn::CNN_LEVEL
#endif
