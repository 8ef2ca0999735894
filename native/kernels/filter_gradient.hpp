// The gradient of a correlation's filters, as its kernel is told of it.
#pragma once

#include "kernels/correlation.hpp"

namespace cnn {

// dw of a group and a row u of the window is a matrix of filters and inputs, (v, c). The
// numbers of one of the two are in the lanes, in panels of some registers; those of the other,
// the rows, are broadcast. Sums lie as [group][panel][u][row][lanes of the panel].
struct FilterGradient {
    Correlation c;
    bool lanes_are_inputs;  // or they are filters
    int lanes;              // of a register
    int registers, panels;  // of a group's row of the window
    int rows;               // broadcast
    int most_rows;          // of a tile
    int segments;           // taps of a row that have rows of their own; or 1
    bool gathered;          // channels of a group are copied side by side
    // pixels of the result come in blocks: some rows of an image, or whole images
    int block_rows, block_images, row_blocks, blocks;

    // in registers; the wide ones first
    int panel_start(int panel) const { return (registers * panel + panels - 1) / panels; }
    int panel_width(int panel) const {
        return (panel_start(panel + 1) - panel_start(panel)) * lanes;
    }
    int widest() const { return (registers + panels - 1) / panels * lanes; }
    std::ptrdiff_t panel_offset(int panel) const {
        return std::ptrdiff_t(panel_start(panel)) * lanes * c.HH * rows;
    }
    std::ptrdiff_t group_size() const {
        return std::ptrdiff_t(registers) * lanes * c.HH * rows;
    }
    int units() const { return c.groups * panels; }
    // of the source under a block
    int rows_under() const {
        return (block_rows - 1) * c.stride_h + (c.HH - 1) * c.dilation_h + 1;
    }
    int columns_under() const {
        return (c.W_out - 1) * c.stride_w + (c.WW - 1) * c.dilation_w + 1;
    }
    std::ptrdiff_t copied_numbers() const {
        const std::ptrdiff_t most = std::ptrdiff_t(1) << 48;  // more than any machine has
        std::ptrdiff_t numbers = std::ptrdiff_t(block_images) * (gathered ? c.C_group() : c.C);
        if (__builtin_mul_overflow(numbers, rows_under(), &numbers) ||
            __builtin_mul_overflow(numbers, columns_under(), &numbers))
            return most;
        return numbers < most ? numbers : most;
    }
    std::ptrdiff_t packed_numbers() const {
        return lanes_are_inputs ? 0
                                : std::ptrdiff_t(block_images) * block_rows * c.W_out * widest();
    }
    std::ptrdiff_t workspace() const {
        return packed_numbers() + copied_numbers() + (most_panel_registers + 1) * lanes;
    }
    // what unpack() takes of a worker
    std::ptrdiff_t line() const {
        return lanes_are_inputs ? std::ptrdiff_t(c.HH) * registers * lanes : 0;
    }
    int unpacked_items() const { return lanes_are_inputs ? c.F : units(); }

    static constexpr int most_panel_registers = 4;
};

// A slice of the blocks, whose sums are its own, and some of its panels.
struct FilterGradientPart {
    int slice, block_begin, block_end, unit_begin, unit_end;
};

template <class T> struct FilterGradientKernels {
    int most_rows[FilterGradient::most_panel_registers + 1];  // of a tile, by its registers
    void (*add_up)(const FilterGradient&, const FilterGradientArrays<T>&, const FilterGradientPart&,
                   T* workspace);
    // adds the slices in their order and writes a part of dw[f][c][u][v] at the steps
    void (*unpack)(const FilterGradient&, const T* sums, int slices, const FilterSteps&, T* dw,
                   int item, T* workspace);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {
extern const FilterGradientKernels<float> filter_gradient_f32;
extern const FilterGradientKernels<double> filter_gradient_f64;
}  // namespace cnn::CNN_LEVEL
#endif
