// Convolutions by Winograd's tiles: blocks of tiles, and who computes what.
//
// Where there are many blocks, a worker takes a block from source to result, with its V
// and M in L2. Where there are few, or the filters are larger than the caches, all workers
// go through the three steps together, so that each filter is read once for all tiles.
#include <algorithm>

#include "dispatch/dispatch.hpp"
#include "engine/conv2d.hpp"
#include "engine/partition.hpp"
#include "engine/stores.hpp"
#include "engine/winograd_tiles.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

constexpr Size near_bytes = 640 << 10;  // what V and M of a worker's block may take

constexpr Size shared_bytes = 12 << 20;  // filters up to here are read from L3 block by block
constexpr Size own_bytes = 256 << 10;    // up to here every worker has them in its L2

template <class T> int padded_row(int n) {
    const auto& k = kernels<T>();
    int row = (n + k.lanes - 1) / k.lanes * k.lanes;
    // rows at multiples of 512 bytes would fall into few sets of the caches
    if (row * sizeof(T) % 512 == 0) row += k.lanes;
    return row;
}

template <class T> Winograd plan(const Correlation& c) {
    Winograd p{};
    p.c = c;
    p.panels = panels_of<T>(c);
    p.r = c.HH;
    p.m = tile_size({c.C, c.F, int(sizeof(T))}, p.r, c.N, c.H_out, c.W_out);
    p.points = (p.m + p.r - 1) * (p.m + p.r - 1);
    p.tiles_h = ceil_div(c.H_out, p.m), p.tiles_w = ceil_div(c.W_out, p.m);
    p.filters_past_caches = p.points * p.filters_size() * Size(sizeof(T)) >= larger_than_caches &&
                            p.panels.last == p.panels.wide;
    p.C_row = padded_row<T>(c.C);
    p.F_row = padded_row<T>(p.F_packed());
    return p;
}

// Blocks of at most about `most` tiles: a multiple of the micro-kernel's rows where there
// are many, and of like sizes where there are few.
int block_of_tiles(Size most, int tiles, int tile_rows) {
    const Size n = std::max<Size>(most / tile_rows, 1) * tile_rows;
    const int blocks = ceil_div(tiles, n);
    return blocks <= 4 ? ceil_div(tiles, blocks) : static_cast<int>(n);
}

// The k-th of some pieces of a block.
template <class T> TileRange piece_of(const TileBlock<T>& block, int k, int pieces) {
    return {block.first + static_cast<int>(Size(block.count) * k / pieces),
            block.first + static_cast<int>(Size(block.count) * (k + 1) / pieces)};
}

template <class T>
void run(const Correlation& c, const T* x, const T* w, const FilterSteps& steps,
         Epilogue<T> epilogue, T* out, PackedFilters<T>* kept = nullptr) {
    if (c.N == 0) return;
    const auto& kernel = *kernels<T>().winograd;
    const Winograd p = plan<T>(c);
    const int n_panels = p.panels.count, tiles = p.tiles(), threads = n_threads();
    const int rows = kernels<T>().tile_rows;
    const Size row = Size(c.F) * Size(sizeof(T));
    epilogue.past_caches = past_caches(out, Size(c.N) * c.H_out * c.W_out * row, row);

    const Packing packing = p.m == 2 && p.r == 3 ? Packing::winograd4 : Packing::winograd6;
    const FiltersOfCall<T> packed(kept, packing, p.points * p.filters_size(), [&](T* to) {
        parallel_for(n_panels, [&](int panel, int) { kernel.filters(p, w, steps, to, panel); });
    });
    const T* U = packed;

    const Size per_tile = Size(p.points) * (p.C_row + p.F_row);
    int block = block_of_tiles(near_bytes / (per_tile * Size(sizeof(T))), tiles, rows);
    int blocks = ceil_div(tiles, block);
    const Size filter_bytes = p.points * p.filters_size() * Size(sizeof(T));

    // few tiles and small filters: a share of the tiles for each thread, who all wait once
    const bool shares = threads > 1 && blocks < 4 * threads && filter_bytes <= own_bytes &&
                        tiles >= threads * rows / 2;
    if (shares) {
        blocks = ceil_div(blocks, threads) * threads;
        block = ceil_div(tiles, blocks), blocks = ceil_div(tiles, block);
    }
    if (threads == 1 || shares || (blocks >= 4 * threads && filter_bytes <= shared_bytes)) {
        const Size V_point = Size(block) * p.C_row + 16, M_point = Size(block) * p.F_row + 16;
        const Size per_worker = aligned(p.points * (V_point + M_point));
        Workspace space((per_worker * threads + 64) * sizeof(T));
        parallel_for(blocks, [&](int k, int worker) {
            const int begin = k * block, end = std::min(begin + block, tiles);
            T* own = space.as<T>() + worker * per_worker;
            const TileBlock<T> V{own, V_point, begin, end - begin, p.C_row, 0};
            const TileBlock<T> M{own + p.points * V_point, M_point, begin, end - begin, p.F_row, 0};
            kernel.source(p, x, V, {begin, end});
            kernel.multiply(p, V, U, M, 0, p.points, 0, n_panels);
            kernel.result(p, M, {begin, end}, epilogue, out);
        }, threads);
        return;
    }

    // together: as many tiles at a time as L3 may hold
    const int large = block_of_tiles((12 << 20) / (per_tile * Size(sizeof(T))), tiles, rows);
    const Size V_point = Size(large) * p.C_row + 16, M_point = Size(large) * p.F_row + 16;
    Workspace space((p.points * (V_point + M_point) + 64) * sizeof(T));
    T* V_at = space.as<T>();
    T* M_at = V_at + p.points * V_point;
    for (int begin = 0; begin < tiles; begin += large) {
        const int n = std::min(large, tiles - begin), pieces = std::min(n, 8 * threads);
        const TileBlock<T> V{V_at, V_point, begin, n, p.C_row, 0};
        const TileBlock<T> M{M_at, M_point, begin, n, p.F_row, 0};
        parallel_for(pieces, [&](int k, int) { kernel.source(p, x, V, piece_of(V, k, pieces)); });
        const int halves = std::min(n_panels, 2);
        parallel_for(p.points * halves, [&](int k, int) {
            const int point = k / halves, half = k % halves;
            kernel.multiply(p, V, U, M, point, point + 1, n_panels * half / halves,
                            n_panels * (half + 1) / halves);
        });
        parallel_for(pieces, [&](int k, int) {
            kernel.result(p, M, piece_of(M, k, pieces), epilogue, out);
        });
    }
}

}  // namespace

template <class T>
void winograd_forward(const Conv2d& g, const T* x, const T* w, const T* b, Relu<T> relu, T* out,
                      PackedFilters<T>* kept, const T* addend) {
    run<T>(forward_correlation(g), x, w, forward_steps(g), {b, relu, false, addend}, out, kept);
}

template <class T>
void winograd_input_gradient(const Conv2d& g, const T* dout, const T* w, const T* b,
                             const T* addend, T* dx, PackedFilters<T>* kept) {
    const FilterSteps s = forward_steps(g);  // the filters turned round
    run<T>(gradient_correlation(g), dout, w + (g.HH - 1) * (s.u + s.v),
           {s.group, s.c, s.f, -s.u, -s.v},
           {b, false, false, addend}, dx, kept);
}

namespace {

// The blocks of tiles that dw is summed over, both in panels.
template <class T> struct GradientBlocks {
    int C_packed, F_packed, panel;
    Size V_point, D_point;  // for a block of `count` tiles

    GradientBlocks(const Winograd& p, int count)
        : C_packed(ceil_div(p.c.C, p.panels.wide) * p.panels.wide), F_packed(p.F_packed()),
          panel(p.panels.wide), V_point(Size(count) * C_packed + 16),
          D_point(Size(count) * F_packed + 16) {}
    Size numbers(const Winograd& p) const { return p.points * (V_point + D_point); }
    TileBlock<T> V(T* at, int first, int count) const {
        return {at, V_point, first, count, panel, panel};
    }
    TileBlock<T> D(const Winograd& p, T* at, int first, int count) const {
        return {at + p.points * V_point, D_point, first, count, panel, panel};
    }
};

}  // namespace

// Where dU is small, slices of the tiles have a dU each. Where it is large, it would be
// read and written more than it is computed on: then V and D of all tiles are made first,
// and each pair of panels goes from them to dw with its part of dU in L2.
template <class T>
void winograd_filter_gradient(const Conv2d& g, const T* x, const T* dout, T* dw, T* db) {
    const auto& kernel = *kernels<T>().winograd;
    const Winograd p = plan<T>(forward_correlation(g));
    const int n_panels = p.panels.count, tiles = p.tiles(), threads = n_threads();
    const Size dU_size = p.points * p.filters_size();
    const FilterSteps steps = forward_steps(g);
    constexpr Size most_dU = 3 << 20, all_dU = 40 << 20, both_blocks = 1500 << 10;  // bytes
    constexpr int most_slices = 16;
    const bool sliced = dU_size * Size(sizeof(T)) <= most_dU || tiles > 4096;

    const int slices = !sliced ? most_slices
                               : static_cast<int>(std::clamp<Size>(
                                     all_dU / (dU_size * Size(sizeof(T))), 1,
                                     std::clamp(ceil_div(tiles, 128), 1, most_slices)));
    Workspace bias_space((Size(slices) * g.F + 64) * sizeof(T));
    T* bias_sums = bias_space.as<T>();
    std::fill(bias_sums, bias_sums + Size(slices) * g.F, T(0));
    auto bias_of = [&](int slice) { return db ? bias_sums + Size(slice) * g.F : nullptr; };
    auto slice_begin = [&](int k) { return static_cast<int>(Size(tiles) * k / slices); };

    if (tiles == 0) {  // every sum is empty
        if (dw) std::fill(dw, dw + Size(g.F) * g.C * g.HH * g.WW, T(0));
        if (db) std::fill(db, db + g.F, T(0));
        return;
    }
    if (sliced) {
        Workspace dU_space((slices * dU_size + 64) * sizeof(T));
        T* dU = dU_space.as<T>();
        const Size per_tile = GradientBlocks<T>(p, 1).numbers(p) * Size(sizeof(T));
        const int block = static_cast<int>(std::clamp<Size>(both_blocks / per_tile, 16, 256));
        const GradientBlocks<T> blocks(p, block);
        const Size per_worker = aligned(blocks.numbers(p) + 64);
        Workspace space(per_worker * threads * sizeof(T));
        parallel_for(slices, [&](int k, int worker) {
            T* own = space.as<T>() + worker * per_worker;
            T* sums = dU + k * dU_size;
            for (int begin = slice_begin(k); begin < slice_begin(k + 1); begin += block) {
                const int end = std::min(begin + block, slice_begin(k + 1));
                const TileBlock<T> V = blocks.V(own, begin, end - begin);
                const TileBlock<T> D = blocks.D(p, own, begin, end - begin);
                kernel.source(p, x, V, {begin, end});
                kernel.dout(p, dout, D, {begin, end}, bias_of(k));
                kernel.outer(p, V, D, begin > slice_begin(k), sums);
            }
        }, threads);
        if (dw)
            parallel_for(n_panels, [&](int panel, int) {
                kernel.filter_gradient(p, dU, slices, steps, dw, panel);
            });
    } else {
        const GradientBlocks<T> blocks(p, tiles);
        Workspace space((blocks.numbers(p) + 64) * sizeof(T));
        const TileBlock<T> V = blocks.V(space.as<T>(), 0, tiles);
        const TileBlock<T> D = blocks.D(p, space.as<T>(), 0, tiles);
        parallel_for(slices, [&](int k, int) {
            const TileRange range{slice_begin(k), slice_begin(k + 1)};
            kernel.source(p, x, V, range);
            kernel.dout(p, dout, D, range, bias_of(k));
        });
        const int c_panels = ceil_div(g.C, p.panels.wide);
        const int side = Size(c_panels) * n_panels >= 64 ? 2 : 1;  // panels of a pair, each way
        const int c_blocks = ceil_div(c_panels, side), f_blocks = ceil_div(n_panels, side);
        const Size per_worker =
            aligned(Size(p.points) * side * side * p.panels.wide * p.panels.wide + 64);
        Workspace dU_space(per_worker * threads * sizeof(T));
        if (dw)
            parallel_for(c_blocks * f_blocks, [&](int k, int worker) {
                const int c = k % c_blocks * side, f = k / c_blocks * side;
                kernel.outer_gradient(p, V, D, steps, dw, {c, std::min(c + side, c_panels)},
                                      {f, std::min(f + side, n_panels)},
                                      dU_space.as<T>() + worker * per_worker);
            }, threads);
    }
    if (db) add_slices(bias_sums, slices, g.F, db);
}

#define CNN_INSTANTIATE(T)                                                                       \
    template void winograd_forward(const Conv2d&, const T*, const T*, const T*, Relu<T>, T*,     \
                                   PackedFilters<T>*, const T*);                                 \
    template void winograd_input_gradient(const Conv2d&, const T*, const T*, const T*, const T*, \
                                          T*, PackedFilters<T>*);                                \
    template void winograd_filter_gradient(const Conv2d&, const T*, const T*, T*, T*);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
