// Convolutions by Winograd's minimal filtering along the rows: an item is some rows of an
// image.
#include <algorithm>

#include "dispatch/dispatch.hpp"
#include "engine/geometry.hpp"
#include "engine/partition.hpp"
#include "engine/stores.hpp"
#include "engine/winograd_rows.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

constexpr Size near_bytes = 256 << 10;  // what an item's workspace may take of L2
constexpr Size panel_bytes = 3 << 20;   // what U of a panel may take: read for each row of tiles
constexpr Size row_numbers = 1 << 28;   // of a padded row of the source
constexpr Size pixels_wanted = 1024;    // of all results, for whom the filters are transformed
constexpr int fewest_taps = 3, most_taps = 7, most_rows = 64;

int taps_of(const Conv2d& g) { return ceil_div(g.WW, g.stride_w); }

// m results through `points` points, by the taps
struct Form {
    int m, points;
};
constexpr Form forms[most_taps + 1] = {{}, {}, {}, {4, 6}, {5, 8}, {4, 8}, {3, 8}, {4, 10}};

WinogradRows plan(const Conv2d& g) {
    const auto& k = kernels<float>();
    WinogradRows p{};
    p.c = forward_correlation(g);
    p.r = taps_of(g);
    p.m = forms[p.r].m, p.points = forms[p.r].points;
    p.C_tap = g.stride_w * g.C;
    p.panels = panels_of<float>(p.c);
    p.panels.depth = Size(g.HH) * p.C_tap;
    p.tiles = ceil_div(g.W_out, p.m);

    const int block = std::min(p.tiles, k.tile_rows);
    auto cut = [&](int rows) {
        p.rows = rows;
        const int numbers = ((rows - 1) * g.stride_h + g.HH) * p.C_tap;
        p.line = (numbers / k.lanes + 2) * k.lanes;
        // lines at multiples of 512 bytes would fall into few sets of the caches
        if (p.line * Size(sizeof(float)) % 512 == 0) p.line += k.lanes;
    };
    cut(std::min(g.H_out, most_rows));
    while (p.rows > 1 && p.workspace(block, k.tile_rows) * Size(sizeof(float)) > near_bytes)
        cut((p.rows + 1) / 2);
    while (p.rows > 4 && ceil_div(g.H_out, p.rows) * Size(g.N) < 8 * n_threads())
        cut((p.rows + 1) / 2);
    return p;
}

// Steps of the multipliers for a row of results and one register of filters. Few tiles at a
// time wait for their sums, and for the filters to come from L2.
double steps_of_row(const Conv2d& g) {
    const int most = kernels<float>().tile_rows;
    const Form form = forms[taps_of(g)];
    const Size depth = Size(g.HH) * g.stride_w * g.C;
    const int tiles = ceil_div(g.W_out, form.m);
    const int at_a_time = ceil_div(tiles, ceil_div(tiles, most));
    const double speed = std::min(1.0, 0.3 + 1.12 * at_a_time / most);
    const double transform = 2 * (form.points + form.m);
    return tiles * (double(form.points * depth) / speed + transform);
}

}  // namespace

bool winograd_rows_pay(const Conv2d& g) {
    if (g.groups != 1 || g.dilation_h != 1 || g.dilation_w != 1) return false;
    const int r = taps_of(g);
    if (r < fewest_taps || r > most_taps || g.C < 1 || g.F < 1) return false;
    if (Size(g.N) * g.H_out * g.W_out < pixels_wanted) return false;
    if ((Size(g.W) + 2 * Size(g.padding_w) + g.WW) * g.C > row_numbers) return false;
    const auto& k = kernels<float>();
    const Form form = forms[r];
    const Size depth = Size(g.HH) * g.stride_w * g.C;
    if (form.points * depth * k.lanes * k.tile_vectors * Size(sizeof(float)) > panel_bytes)
        return false;
    const double direct = double(g.W_out) * g.WW * g.HH * g.C;
    return 1.1 * steps_of_row(g) < direct;
}

double winograd_rows_cycles(const Conv2d& g) {
    const double rows = double(g.N) * g.H_out * ceil_div(g.F, kernels<float>().lanes);
    return rows * steps_of_row(g) / 1.8 + 3.7 * g.N * g.H * g.W * g.C;
}

void winograd_rows_forward(const Conv2d& g, const float* x, const float* w, const float* b,
                           Relu<float> relu, float* out, PackedFilters<float>* kept) {
    const auto& kernel = kernels<float>();
    const WinogradRows p = plan(g);
    const Packing packing = Packing::winograd_rows;
    const FiltersOfCall<float> packed(kept, packing, p.filters_size(), [&](float* to) {
        const Panels plain = panels_of<float>(p.c);
        Workspace space((plain.group_size() + 64) * sizeof(float));
        for (int panel = 0; panel < plain.count; ++panel) {
            kernel.pack_filters(p.c, plain, w, forward_steps(g), space.as<float>(), panel);
            kernel.winograd_rows->filters(p, space.as<float>() + plain.offset(0, panel), to, panel);
        }
    });
    const Size row = Size(g.F) * Size(sizeof(float));
    const Epilogue<float> epilogue{
        b, relu, past_caches(out, Size(g.N) * g.H_out * g.W_out * row, row)};
    const CorrelationArrays<float> arrays{x, packed, out, epilogue};
    const int at_once = std::min(p.tiles, kernel.tile_rows);
    const Size per_worker = aligned(p.workspace(at_once, kernel.tile_rows) + 64);
    const int threads = n_threads(), blocks = ceil_div(g.H_out, p.rows);
    Workspace space(per_worker * threads * sizeof(float));
    parallel_for(g.N * blocks, [&](int k, int worker) {
        const int n = k / blocks, i = k % blocks * p.rows;
        kernel.winograd_rows->correlate(p, arrays, {n, i, std::min(i + p.rows, g.H_out)},
                                        space.as<float>() + worker * per_worker);
    }, threads);
}

}  // namespace cnn
