// Winograd's minimal filtering F(m×m, r×r), as the kernels are told of it.
#pragma once

#include "kernels/correlation.hpp"

namespace cnn {

// Tiles of m×m results of r×r filters, each from a×a of the source, a = m+r-1; `points` =
// a² numbers in whose place there is one product each.
struct Winograd {
    Correlation c;  // r×r, stride 1, no dilation, one group
    Panels panels;
    int m, r, points;
    int tiles_h, tiles_w;  // of an image
    bool filters_past_caches;  // U is larger than they are
    int C_row, F_row;      // numbers of a tile's row in the workspaces, padded

    int tiles() const { return c.N * tiles_h * tiles_w; }
    std::ptrdiff_t filters_size() const { return std::ptrdiff_t(c.C) * F_packed(); }
    int F_packed() const { return (panels.count - 1) * panels.wide + panels.last; }
};

// A block of tiles in a workspace: [point][tile][channel], `row` numbers a tile, or
// [point][panel][tile][channel of the panel]; `point` numbers from a point to the next.
template <class T> struct TileBlock {
    T* at;
    std::ptrdiff_t point;
    int first, count;  // which tiles the block holds
    int row;
    int panel;  // channels of a panel; 0 where there are none

    // where channel k of the block's first tile lies
    std::ptrdiff_t offset(int k) const {
        return panel ? std::ptrdiff_t(k / panel) * panel * count + k % panel : k;
    }
};

struct PanelRange {
    int begin, end;
};

struct TileRange {
    int begin, end;  // tiles of a block that are worked on
};

template <class T> struct WinogradKernels {
    // U[point][panel][c][filter] from w; one panel
    void (*filters)(const Winograd&, const T* w, const FilterSteps&, T* U, int panel);
    // V[point][tile][c] from x
    void (*source)(const Winograd&, const T* x, const TileBlock<T>& V, TileRange);
    // M[point][tile][f] = V · U, for some points and panels
    void (*multiply)(const Winograd&, const TileBlock<T>& V, const T* U, const TileBlock<T>& M,
                     int point_begin, int point_end, int panel_begin, int panel_end);
    // out from M
    void (*result)(const Winograd&, const TileBlock<T>& M, TileRange, const Epilogue<T>&, T* out);
    // the gradient of the filters: D[point][panel][tile][filter] from dout, bias sums added
    void (*dout)(const Winograd&, const T* dout, const TileBlock<T>& D, TileRange, T* bias_sums);
    // dU[point][panel][c][filter] = Vᵀ · D, or added to it; V and D in panels
    void (*outer)(const Winograd&, const TileBlock<T>& V, const TileBlock<T>& D, bool add, T* dU);
    // dw of one panel from the slices of dU
    void (*filter_gradient)(const Winograd&, const T* dU, int slices, const FilterSteps&, T* dw,
                            int panel);
    // dw of some panels straight from all tiles; dU holds points · wide² for each two panels
    void (*outer_gradient)(const Winograd&, const TileBlock<T>& V, const TileBlock<T>& D,
                           const FilterSteps&, T* dw, PanelRange channels, PanelRange filters,
                           T* dU);
};

}  // namespace cnn

#ifdef CNN_LEVEL
namespace cnn::CNN_LEVEL {
extern const WinogradKernels<float> winograd_f32;
extern const WinogradKernels<double> winograd_f64;
}  // namespace cnn::CNN_LEVEL
#endif
