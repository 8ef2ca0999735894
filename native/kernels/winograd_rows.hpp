// Winograd's minimal filtering F(m, r) along the rows, as its kernels are told of it.
#pragma once

#include "kernels/correlation.hpp"

namespace cnn {

// A tile is m results of a row. Its source is `points` = m+r-1 columns of C_tap numbers a
// row: the stride_w pixels from one result to the next count as one tap with more channels.
struct WinogradRows {
    Correlation c;  // of one group, no dilation
    int source_pixel;  // numbers from a pixel of the source to the next: all groups' channels
    Panels panels;  // of one point; depth = HH*C_tap
    int m, r, points, C_tap;
    int tiles;  // of a row
    int rows, images;  // of the result, of an item; narrow ones several at a time
    int line;   // numbers of a column in the workspace: the rows under an item, and a register

    int columns(int n_tiles) const { return (n_tiles - 1) * m + points; }  // of one image
    // U[panel][point][HH*C_tap][filters of the panel]
    std::ptrdiff_t filters_size() const { return points * panels.group_size(); }
    std::ptrdiff_t filters_offset(int panel) const { return points * panels.offset(0, panel); }
    // the columns of some tiles, V[point][tile][line] and M[point][tile][panel]
    std::ptrdiff_t workspace(int n_tiles, int tile_rows) const {
        const int most_columns = images == 1 ? columns(n_tiles) : points * n_tiles;
        return std::ptrdiff_t(most_columns + points * n_tiles) * line +
               std::ptrdiff_t(points) * tile_rows * panels.wide;
    }
};

// Some rows of some images.
struct RowsItem {
    int n_begin, n_end, i_begin, i_end;
};

template <class T> struct WinogradRowsKernels {
    // U of one panel from its packed filters, [HH][WW*C][filters of the panel]
    void (*filters)(const WinogradRows&, const T* packed, T* U, int panel);
    void (*correlate)(const WinogradRows&, const CorrelationArrays<T>&, const RowsItem&,
                      T* workspace);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {
extern const WinogradRowsKernels<float> winograd_rows_f32;
}  // namespace cnn::CNN_LEVEL
#endif
