// Convolutions by Winograd's minimal filtering along the rows: an item is some rows of an
// image, or of several narrow ones.
#include <algorithm>

#include "dispatch/dispatch.hpp"
#include "engine/geometry.hpp"
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
constexpr double saved_of_groups = 12;  // products of a pixel and full register, as measured
constexpr int fewest_taps = 3, most_taps = 7, most_rows = 64;

int taps_of(const Correlation& c) { return ceil_div(c.WW, c.stride_w); }

// m results through `points` points, by the taps
struct Form {
    int m, points;
};
constexpr Form forms[most_taps + 1] = {{}, {}, {}, {4, 6}, {5, 8}, {4, 8}, {3, 8}, {4, 10}};

// Images of an item: rows of few tiles take those of several.
int images_of(const Correlation& c, int tiles) {
    return std::clamp(std::min(kernels<float>().tile_rows / tiles, c.N / 4), 1, 64);
}

WinogradRows plan(const Correlation& c) {
    const auto& k = kernels<float>();
    WinogradRows p{};
    p.c = c;
    p.c.C = c.C_group(), p.c.F = c.F_group(), p.c.groups = 1;
    p.source_pixel = c.C;
    p.r = taps_of(c);
    p.m = forms[p.r].m, p.points = forms[p.r].points;
    p.C_tap = c.stride_w * c.C_group();
    p.panels = panels_of<float>(c);
    p.panels.depth = Size(c.HH) * p.C_tap;
    p.tiles = ceil_div(c.W_out, p.m);

    p.images = images_of(c, p.tiles);
    const int block = std::min(p.tiles * p.images, k.tile_rows);
    auto cut = [&](int rows) {
        p.rows = rows;
        const int numbers = ((rows - 1) * c.stride_h + c.HH) * p.C_tap;
        p.line = (numbers / k.lanes + 2) * k.lanes;
        // lines at multiples of 512 bytes would fall into few sets of the caches
        if (p.line * Size(sizeof(float)) % 512 == 0) p.line += k.lanes;
    };
    cut(std::min(c.H_out, most_rows));
    while (p.rows > 1 && p.workspace(block, k.tile_rows) * Size(sizeof(float)) > near_bytes)
        cut((p.rows + 1) / 2);
    const Size blocks_of_images = ceil_div(c.N, p.images);
    while (p.rows > 4 && ceil_div(c.H_out, p.rows) * blocks_of_images < 8 * n_threads())
        cut((p.rows + 1) / 2);
    return p;
}

// Steps of the multipliers for a row of results and one register of filters. Few tiles at a
// time wait for their sums, and for the filters to come from L2.
double steps_of_row(const Correlation& c) {
    const int most = kernels<float>().tile_rows;
    const Form form = forms[taps_of(c)];
    const Size depth = Size(c.HH) * c.stride_w * c.C_group();
    const int tiles = ceil_div(c.W_out, form.m), some = tiles * images_of(c, tiles);
    const int at_a_time = ceil_div(some, ceil_div(some, most));
    // a level of short tiles has too few sums of one register alone to hide their latency
    constexpr int sums_wanted = 14;
    const int registers = ceil_div(c.F_group(), kernels<float>().lanes);
    const int sums = most < sums_wanted
                         ? at_a_time * std::min(registers, kernels<float>().tile_vectors)
                         : at_a_time;
    const double speed = std::min(1.0, 0.3 + 1.12 * sums / sums_wanted);
    const double transform = 2 * (form.points + form.m);
    return tiles * (double(form.points * depth) / speed + transform);
}

bool pay(const Correlation& c) {
    if (c.dilation_h != 1 || c.dilation_w != 1) return false;
    const int r = taps_of(c);
    if (r < fewest_taps || r > most_taps || c.C < 1 || c.F < 1) return false;
    if (Size(c.N) * c.H_out * c.W_out < pixels_wanted) return false;
    if ((Size(c.W) + Size(c.W_out) * c.stride_w + c.WW) * c.C > row_numbers) return false;
    const auto& k = kernels<float>();
    const Form form = forms[r];
    const Size depth = Size(c.HH) * c.stride_w * c.C_group();
    if (form.points * depth * k.lanes * k.tile_vectors * Size(sizeof(float)) > panel_bytes)
        return false;
    // a tile's transforms and stores go by registers, and groups may leave these half empty
    const double products = double(c.HH) * c.WW * c.C_group();
    const double filled = double(c.F_group()) / (ceil_div(c.F_group(), k.lanes) * k.lanes);
    const double saved = (products - double(form.points * depth) / form.m) * filled;
    if (c.groups > 1 && filled < 1 && saved < saved_of_groups) return false;
    return 1.1 * steps_of_row(c) < c.W_out * products;
}

void winograd_rows(const Correlation& c, const FilterSteps& steps, const float* x, const float* w,
                   const float* b, Relu<float> relu, float* out, PackedFilters<float>* kept) {
    const auto& kernel = kernels<float>();
    const WinogradRows p = plan(c);
    const Packing packing = Packing::winograd_rows;
    const FiltersOfCall<float> packed(kept, packing, c.groups * p.filters_size(), [&](float* to) {
        const Panels plain = panels_of<float>(c);
        Workspace space((c.groups * plain.group_size() + 64) * sizeof(float));
        parallel_for(c.groups * plain.count, [&](int k, int) {
            const int group = k / plain.count, panel = k % plain.count;
            kernel.pack_filters(c, plain, w, steps, space.as<float>(), k);
            kernel.winograd_rows->filters(p, space.as<float>() + plain.offset(group, panel),
                                          to + group * p.filters_size(), panel);
        });
    });
    const Size row = Size(c.F) * Size(sizeof(float));
    const bool past = c.F_group() % kernel.lanes == 0 &&
                      past_caches(out, Size(c.N) * c.H_out * c.W_out * row, row);
    const int at_once = std::min(p.tiles * p.images, kernel.tile_rows);
    const Size per_worker = aligned(p.workspace(at_once, kernel.tile_rows) + 64);
    const int threads = n_threads(), blocks = ceil_div(c.H_out, p.rows);
    Workspace space(per_worker * threads * sizeof(float));
    // the groups of the same rows follow one another, since they read the same lines
    parallel_for(ceil_div(c.N, p.images) * blocks * c.groups, [&](int k, int worker) {
        const int group = k % c.groups, block = k / c.groups;
        const int n = block / blocks * p.images, i = block % blocks * p.rows;
        const CorrelationArrays<float> arrays{
            x + group * p.c.C, packed + group * p.filters_size(), out + group * p.c.F,
            {b ? b + group * p.c.F : nullptr, relu, past}};
        kernel.winograd_rows->correlate(p, arrays, {n, std::min(n + p.images, c.N), i,
                                                    std::min(i + p.rows, c.H_out)},
                                        space.as<float>() + worker * per_worker);
    }, threads);
}

}  // namespace

double winograd_rows_cycles(const Correlation& c) {
    const double rows =
        double(c.N) * c.H_out * c.groups * ceil_div(c.F_group(), kernels<float>().lanes);
    return rows * steps_of_row(c) / 1.8 + 3.7 * c.N * c.H * c.W * c.C;
}

bool winograd_rows_pay(const Conv2d& g, Pass pass) {
    if (pass == Pass::forward) return pay(forward_correlation(g));
    return g.stride_h == 1 && g.stride_w == 1 && pay(gradient_correlation(g));
}

void winograd_rows_forward(const Conv2d& g, const float* x, const float* w, const float* b,
                           Relu<float> relu, float* out, PackedFilters<float>* kept) {
    winograd_rows(forward_correlation(g), forward_steps(g), x, w, b, relu, out, kept);
}

void winograd_rows_input_gradient(const Conv2d& g, const float* dout, const float* w,
                                  const float* b, float* dx, PackedFilters<float>* kept) {
    const FilterSteps s = forward_steps(g);  // the filters turned round
    winograd_rows(gradient_correlation(g), {s.group, s.c, s.f, -s.u, -s.v}, dout,
                  w + (g.HH - 1) * s.u + (g.WW - 1) * s.v, b, false, dx, kept);
}

}  // namespace cnn
