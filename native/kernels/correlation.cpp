// Correlation of channels-last images with packed filters, directly.
//
//   out[n, i, j, f] = b[f] + Σ_{u, v, c} x[n, i*s + u*d - p, j*s + v*d - p, c] · w[f, c, u, v]
//
// Plan. For one row u of the window, the WW*C inputs of a pixel are contiguous in
// channels-last memory (each tap's C are, where the window is dilated or there are
// groups). So one loop over k serves C = 1, 3 and 512 alike, without im2col:
//
//   tile: MR pixels x NV registers of filters, all sums in registers; each k costs NV loads
//         of filters and MR broadcasts for MR*NV products. Its pixels stand in one row of
//         the result, or go on in the same row of the next image (pixel_tile.hpp).
//   item: images, rows and panels of filters, chosen by engine/partition.cpp so that
//         the padded rows stay in L2 while all panels of the item go over them. Few filters
//         go over each tile, and its results are written side by side; many are read once,
//         each panel for all pixels.
//
// Where the window leaves the image, the rows are first copied with their border of zeros
// into the worker's workspace, each group by itself; where it does not, they are read in
// place. Rows beyond the image are left out of the sum: of a small map's gradient they
// would be half of it.
#include "kernels/kernels.hpp"
#include "kernels/padded.hpp"
#include "kernels/pixel_tile.hpp"
#include "kernels/results.hpp"
#include "simd/lanes.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {

namespace {

// The taps of one axis that find the source when the window stands at `start`.
struct Taps {
    int begin, end;
};

CNN_INLINE Taps taps_inside(int start, int taps, int dilation, int size) {
    int begin = 0, end = taps;
    while (begin < end && start + begin * dilation < 0) ++begin;
    while (end > begin && start + (end - 1) * dilation >= size) --end;
    return {begin, end};
}

// Panels of one group, all read in place.
template <class T>
void correlate_in_place(const Correlation& c, const Panels& panels, const CorrelationArrays<T>& a,
                        const CorrelationItem& item) {
    const std::ptrdiff_t row = std::ptrdiff_t(c.W) * c.C;
    const std::ptrdiff_t pixel = std::ptrdiff_t(c.stride_w) * c.C;
    const int reach_h = (c.HH - 1) * c.dilation_h + 1;
    const int rows_ahead = smaller(c.stride_h, reach_h);  // that the next row reads for itself
    const int inside_begin = c.pad_left > 0 ? (c.pad_left + c.stride_w - 1) / c.stride_w : 0;
    const int inside_end = smaller(c.W_out, (c.W + c.pad_left - c.WW + c.stride_w) / c.stride_w);
    auto taps_of_row = [&](int i) CNN_LAMBDA {
        return taps_inside(i * c.stride_h - c.pad_top, c.HH, c.dilation_h, c.H);
    };
    auto image_by = [&](int n, int panel_begin, int panel_end) CNN_LAMBDA {
        const T* const image = a.x + std::ptrdiff_t(n) * c.H * row;
        // `count` pixels from (i, j) on, along a row or down a column, with the same taps;
        // meanwhile so many numbers are fetched
        auto go_over = [&](int i, int j, int count, std::ptrdiff_t x_step,
                           std::ptrdiff_t out_step, const T* ahead,
                           std::ptrdiff_t numbers) CNN_LAMBDA {
            const int h = i * c.stride_h - c.pad_top, v = j * c.stride_w - c.pad_left;
            const Taps rows = taps_of_row(i), columns = taps_inside(v, c.WW, 1, c.W);
            const int length = (columns.end - columns.begin) * c.C;
            const std::ptrdiff_t tap = std::ptrdiff_t(rows.begin) * c.WW + columns.begin;
            const T* x = image + (h + rows.begin * c.dilation_h) * row +
                         std::ptrdiff_t(v + columns.begin) * c.C;
            T* out = a.out + n * c.out_image + i * c.out_row + j * c.out_pixel;
            const Pieces pieces(count, tile_rows);
            const std::ptrdiff_t steps = std::ptrdiff_t(rows.end - rows.begin) * length;
            numbers /= pieces.count;
            const std::ptrdiff_t ahead_step = steps ? (numbers + steps - 1) / steps : 0;
            for (int k = 0; k < pieces.count; ++k) {
                const int MR = pieces.length(k);
                Pixels<T> pixels;
                pixels.step = x_step;
                pixels.set(0, MR, x, x_step, out, out_step);
                for (int p = panel_begin; p < panel_end; ++p) {
                    const int width = panels.width(p), f = p * panels.wide;
                    const Window<T> window{0, c.dilation_h * row, 0, rows.end - rows.begin, 1,
                                           length, std::ptrdiff_t(c.WW) * c.C * width, 0,
                                           p == panel_begin ? ahead : a.w,
                                           p == panel_begin ? ahead_step : 0};
                    const Panel<T> to{f, smaller(c.F - f, width),
                                      a.epilogue.bias ? a.epilogue.bias + f : nullptr,
                                      a.epilogue.relu, a.epilogue.past_caches, a.epilogue.addend,
                                      a.out};
                    pixel_tile_of<T>(MR, width == panels.wide, true)(
                        pixels, a.w + panels.offset(0, p) + tap * c.C * width, window, to);
                }
                x += MR * x_step, out += MR * out_step, ahead += numbers;
            }
        };
        for (int i = item.i_begin; i < item.i_end; ++i) {
            const int next = (i + 1) * c.stride_h - c.pad_top + reach_h - rows_ahead;
            const bool fetches = i + 1 < item.i_end && next >= 0 && next + rows_ahead <= c.H;
            go_over(i, inside_begin, inside_end - inside_begin, pixel, c.out_pixel,
                    fetches ? image + next * row : a.w, fetches ? rows_ahead * row : 0);
        }
        for (int j = 0; j < c.W_out; ++j) {
            if (j == inside_begin) j = inside_end;
            if (j == c.W_out) break;
            for (int i = item.i_begin; i < item.i_end;) {
                const Taps taps = taps_of_row(i);
                int end = i + 1;  // rows with the same taps
                for (; end < item.i_end; ++end) {
                    const Taps other = taps_of_row(end);
                    if (other.begin != taps.begin || other.end != taps.end) break;
                }
                go_over(i, j, end - i, c.stride_h * row, c.out_row, a.w, 0);
                i = end;
            }
        }
    };
    const std::ptrdiff_t numbers = (item.panel_end - item.panel_begin) * panels.depth * panels.wide;
    const bool near = numbers * std::ptrdiff_t(sizeof(T)) <= filters_bytes;
    const int step = near ? item.panel_end - item.panel_begin : 1;
    for (int p = item.panel_begin; p < item.panel_end; p += step)
        for (int n = item.n_begin; n < item.n_end; ++n) image_by(n, p, p + step);
    if (a.epilogue.past_caches) finish_past_caches();
}

}  // namespace

template <class T>
void correlate(const Correlation& c, const Panels& panels, const CorrelationArrays<T>& a,
               const CorrelationItem& item, T* workspace) {
    if (a.edges_apart) return correlate_in_place(c, panels, a, item);
    const int rows_out = item.i_end - item.i_begin;
    const int reach_h = (c.HH - 1) * c.dilation_h + 1, reach_w = (c.WW - 1) * c.dilation_w + 1;
    const int first = item.i_begin * c.stride_h;
    const int rows = (rows_out - 1) * c.stride_h + reach_h;
    const int width = (c.W_out - 1) * c.stride_w + reach_w;
    const int C_group = c.C_group(), F_group = c.F_group();
    const bool rows_inside = first >= c.pad_top && first + rows - c.pad_top <= c.H;
    const bool inside = (rows_inside || !a.border_counts) && c.pad_left <= 0 &&
                        width - c.pad_left <= c.W;
    // groups are taken apart, so that the taps of a row are contiguous, where that is part of a
    // copy anyway or a tap by itself is short
    const bool apart = c.groups > 1 && c.WW > 1 && (!inside || C_group < 32);
    const bool in_place = inside && !apart;
    const bool contiguous = (c.groups == 1 || apart) && c.dilation_w == 1;
    const int C_pixel = apart ? C_group : c.C;
    const std::ptrdiff_t row = std::ptrdiff_t(in_place ? c.W : width) * C_pixel;
    const std::ptrdiff_t image_size = std::ptrdiff_t(c.H) * c.W * c.C;
    const std::ptrdiff_t group_size = apart ? rows * row : C_group;
    const int first_group = apart ? item.panel_begin / panels.count : 0;
    const int last_group = apart ? (item.panel_end - 1) / panels.count : 0;
    const std::ptrdiff_t copy_size = apart ? (last_group + 1 - first_group) * group_size
                                           : rows * row;
    const std::ptrdiff_t pixel = std::ptrdiff_t(c.stride_w) * C_pixel;

    if (!in_place)
        for (int n = item.n_begin; n < item.n_end; ++n)
            for (int g = first_group; g <= last_group; ++g)
                copy_padded(workspace + (n - item.n_begin) * copy_size +
                                (g - first_group) * group_size,
                            a.x + n * image_size + g * C_group, c, C_pixel, first, rows, width,
                            a.border_counts);
    // where the window stands over row i of the result, of image n
    const T* const source = in_place ? a.x + item.n_begin * image_size +
                                           (first - c.pad_top) * row - c.pad_left * C_pixel
                                     : workspace;
    const std::ptrdiff_t source_step = in_place ? image_size : copy_size;

    Window<T> window{0, c.dilation_h * row, std::ptrdiff_t(c.dilation_w) * C_pixel, c.HH,
                     contiguous ? 1 : c.WW, contiguous ? c.WW * C_group : C_group, 0, 0, a.w, 0};
    const bool side_by_side =
        in_place && c.HH == 1 && c.WW == 1 && c.stride_w == 1 && c.groups == 1;
    // a tile of few channels is over before what it asks for has come
    const bool fetches = side_by_side && c.C <= 64 && item.panel_end - item.panel_begin == 1;
    // a group alone asks for its own channels, lines apart
    const bool fetches_groups = in_place && c.HH == 1 && c.WW == 1 && c.stride_w == 1 &&
                                c.groups > 1 && item.panel_end - item.panel_begin > 1;
    // of the next row of the result, what this one does not read
    const int rows_ahead = smaller(c.stride_h, reach_h);
    const std::ptrdiff_t depth = std::ptrdiff_t(c.HH) * c.WW * C_group;

    const int images = item.n_end - item.n_begin;
    const Pieces pieces((images - 1) * c.W_out + c.W_of(item.n_end - 1), tile_rows);
    // of what is wanted next, for each pixel, and for each number of a tile's windows
    const std::ptrdiff_t numbers_ahead = rows_ahead * row / c.W_out;
    const std::ptrdiff_t step_ahead =
        depth ? ((pieces.size + 1) * numbers_ahead + depth - 1) / depth : 0;
    const bool gathers = a.epilogue.gathered && images == 1;
    T* const beside = workspace + (in_place ? 0 : (images * copy_size + 63) / 64 * 64);
    Gathered<T> gathered(beside, a.out + item.n_begin * c.out_image + item.i_begin * c.out_row);
    auto go_over = [&](int i, int panel_begin, int panel_end) CNN_LAMBDA {
        const std::ptrdiff_t at = std::ptrdiff_t(i - item.i_begin) * c.stride_h * row;
        const T* x = source + at;
        T* out = a.out + item.n_begin * c.out_image + i * c.out_row;
        Taps taps{0, c.HH};
        if (!a.border_counts)
            taps = taps_inside(i * c.stride_h - c.pad_top, c.HH, c.dilation_h, c.H);
        window.HH = taps.end - taps.begin;
        for (int k = 0, n = 0, j = 0; k < pieces.count; ++k) {
            const int MR = pieces.length(k);
            Pixels<T> pixels;
            const T* const begin = x + n * source_step + j * pixel;
            if (fetches_groups && k + 1 < pieces.count) fetch(begin + MR * pixel, MR * pixel);
            if (side_by_side) {
                window.ahead = begin + MR * pixel, window.ahead_step = MR;
                if (fetches) fetch(begin + 2 * MR * pixel, MR * pixel);
            } else if (in_place && i + 1 < item.i_end) {
                window.ahead = x + n * source_step +
                               (c.stride_h + reach_h - rows_ahead) * row + j * numbers_ahead;
                window.ahead_step = step_ahead;
            }
            if (j + MR <= c.W_out) pixels.step = pixel;
            for (int m = 0; m < MR;) {
                const int count = smaller(MR - m, c.W_out - j);
                T* const to = gathers ? gathered.next() + m * c.out_pixel
                                      : out + n * c.out_image + j * c.out_pixel;
                pixels.set(m, count, x + n * source_step + j * pixel, pixel, to, c.out_pixel);
                m += count, j += count;
                if (j == c.W_out) j = 0, ++n;
            }
            int group = panel_begin / panels.count, panel = panel_begin % panels.count;
            for (int p = panel_begin; p < panel_end; ++p) {
                const int left = F_group - panel * panels.wide, to_filters = panels.width(panel);
                const int f = group * F_group + panel * panels.wide;
                window.begin = (group - first_group) * group_size + taps.begin * window.row;
                window.w_segment = std::ptrdiff_t(window.length) * to_filters;
                window.w_row = window.segments * window.w_segment;
                const Panel<T> to{f, smaller(left, panels.wide),
                                  a.epilogue.bias ? a.epilogue.bias + f : nullptr,
                                  a.epilogue.relu, a.epilogue.past_caches, a.epilogue.addend,
                                  a.out};
                pixel_tile_of<T>(MR, to_filters == panels.wide, pixels.step != 0)(
                    pixels, a.w + panels.offset(group, panel) + taps.begin * window.w_row, window,
                    to);
                window.ahead = a.w, window.ahead_step = 0;  // then it is near
                if (++panel == panels.count) panel = 0, ++group;
            }
            if (gathers) gathered.add(MR * c.F);
        }
    };
    const std::ptrdiff_t numbers = (item.panel_end - item.panel_begin) * depth * panels.wide;
    if (gathers || numbers * std::ptrdiff_t(sizeof(T)) <= filters_bytes) {
        for (int i = item.i_begin; i < item.i_end; ++i)
            go_over(i, item.panel_begin, item.panel_end);
    } else {
        for (int p = item.panel_begin; p < item.panel_end; ++p)
            for (int i = item.i_begin; i < item.i_end; ++i) go_over(i, p, p + 1);
    }
    if (gathers) gathered.finish();
    if (gathers || a.epilogue.past_caches) finish_past_caches();
}

// --- where zeros of the border must not meet the filters --------------------------------

// The same result pixel by pixel, with the taps alone that find the source: 0 * inf is
// not 0, and the gradient of an image has no border that filters could meet.
template <class T>
void correlate_inside(const Correlation& c, const Panels& panels, const CorrelationArrays<T>& a,
                      const CorrelationItem& item, T*) {
    const int C_group = c.C_group(), F_group = c.F_group();
    const std::ptrdiff_t row = std::ptrdiff_t(c.W) * c.C;
    for (int p = item.panel_begin; p < item.panel_end; ++p) {
        const int group = p / panels.count, panel = p % panels.count;
        const int f = group * F_group + panel * panels.wide;
        const int left = F_group - panel * panels.wide, width = panels.width(panel);
        const bool wide = width == panels.wide;
        for (int n = item.n_begin; n < item.n_end; ++n)
            for (int i = item.i_begin; i < item.i_end; ++i)
                for (int j = 0; j < c.W_of(n); ++j) {
                    const int h = i * c.stride_h - c.pad_top, v = j * c.stride_w - c.pad_left;
                    const Taps rows = taps_inside(h, c.HH, c.dilation_h, c.H);
                    const Taps columns = taps_inside(v, c.WW, c.dilation_w, c.W);
                    const std::ptrdiff_t tap = std::ptrdiff_t(C_group) * width;
                    const Window<T> window{0, c.dilation_h * row,
                                           std::ptrdiff_t(c.dilation_w) * c.C,
                                           rows.end - rows.begin, columns.end - columns.begin,
                                           C_group, c.WW * tap, tap, a.w, 0};
                    const Panel<T> to{f, left < panels.wide ? left : panels.wide,
                                      a.epilogue.bias ? a.epilogue.bias + f : nullptr,
                                      a.epilogue.relu, a.epilogue.past_caches, a.epilogue.addend,
                                      a.out};
                    const int first = h + rows.begin * c.dilation_h;
                    const T* x = a.x + (std::ptrdiff_t(n) * c.H + first) * row +
                                 std::ptrdiff_t(v + columns.begin * c.dilation_w) * c.C +
                                 group * C_group;
                    const T* w = a.w + panels.offset(group, panel) +
                                 (rows.begin * c.WW + columns.begin) * tap;
                    Pixels<T> pixels;
                    pixels.set(0, 1, x, 0,
                               a.out + n * c.out_image + i * c.out_row + j * c.out_pixel, 0);
                    pixel_tile_of<T>(1, wide, false)(pixels, w, window, to);
                }
    }
    if (a.epilogue.past_caches) finish_past_caches();
}

// --- packing filters ------------------------------------------------------------------

namespace {

constexpr int most_extent = 256;  // numbers of a window's taps in the caller's memory

CNN_INLINE std::ptrdiff_t magnitude(std::ptrdiff_t n) { return n < 0 ? -n : n; }

// 0 * inf and 0 * nan are not 0.
template <class T> bool all_finite(const T* p, std::ptrdiff_t n) {
    Vector<T> check[4] = {};
    for (std::ptrdiff_t k = 0; k < n; k += lanes<T>)
        check[k / lanes<T> % 4] += load(p + k) * T(0);
    return sum_of_lanes<T>((check[0] + check[1]) + (check[2] + check[3])) == 0;
}

}  // namespace

// One panel of one group: [HH][WW*C_group][filters of the panel]. Tells whether all are finite.
template <class T>
bool pack_filters(const Correlation& c, const Panels& panels, const T* w, const FilterSteps& steps,
                  T* packed, int p) {
    const int group = p / panels.count, panel = p % panels.count;
    const int C_group = c.C_group(), F_group = c.F_group();
    const int width = panels.width(panel);
    const int f0 = panel * panels.wide;
    const int filters = smaller(F_group - f0, width), taps = c.HH * c.WW;
    T* const to = packed + panels.offset(group, panel);
    const T* from = w + group * steps.group + f0 * steps.f;
    const std::ptrdiff_t size = std::ptrdiff_t(taps) * C_group * width;
    auto row = [&](int u, int v, int k) {
        return to + ((std::ptrdiff_t(u) * c.WW + v) * C_group + k) * width;
    };

    if (steps.f == 1) {  // filters are neighbours: whole registers
        for (int u = 0; u < c.HH; ++u)
            for (int v = 0; v < c.WW; ++v)
                for (int k = 0; k < C_group; ++k) {
                    const T* tap = from + u * steps.u + v * steps.v + k * steps.c;
                    for (int f = 0; f < width; f += lanes<T>) {
                        const int left = filters - f;
                        store(row(u, v, k) + f, left >= lanes<T> ? load(tap + f)
                                                : left > 0       ? load_first(tap + f, left)
                                                                 : Vector<T>{});
                    }
                }
        return all_finite(to, size);
    }

    // A filter's numbers are read along the caller's memory, those between its taps too, of as
    // many filters at once as a register has lanes, and transposed; unless few are wanted.
    const std::ptrdiff_t extent =
        magnitude(steps.u) * (c.HH - 1) + magnitude(steps.v) * (c.WW - 1) + 1;
    const bool channels_follow = steps.c == extent;  // one another in memory
    const bool dense = channels_follow || taps >= 4 * ((extent + lanes<T> - 1) / lanes<T>);
    if (taps > 0 && dense && extent <= most_extent) {
        from += (steps.u < 0 ? steps.u * (c.HH - 1) : 0) + (steps.v < 0 ? steps.v * (c.WW - 1) : 0);
        short tap_at[most_extent];
        for (int k = 0; k < extent; ++k) tap_at[k] = -1;
        for (int u = 0; u < c.HH; ++u)
            for (int v = 0; v < c.WW; ++v)
                tap_at[(steps.u < 0 ? u + 1 - c.HH : u) * steps.u +
                       (steps.v < 0 ? v + 1 - c.WW : v) * steps.v] =
                    static_cast<short>(u * c.WW + v);
        const int runs = channels_follow ? 1 : C_group;
        const std::ptrdiff_t run = channels_follow ? C_group * extent : extent;
        Vector<T> check = {};
        for (int f = 0; f < width; f += lanes<T>) {
            const int there = smaller(filters - f, lanes<T>);
            for (int r = 0; r < runs; ++r) {
                const T* at = from + f * steps.f + r * steps.c;
                int k = r, place = 0;
                for (std::ptrdiff_t q = 0; q < run; q += lanes<T>, at += lanes<T>) {
                    const int n = run - q < lanes<T> ? static_cast<int>(run - q) : lanes<T>;
                    Vector<T> rows[lanes<T>] = {};
                    if (n == lanes<T> && there == lanes<T>) {
#pragma GCC unroll 16
                        for (int i = 0; i < lanes<T>; ++i) rows[i] = load(at + i * steps.f);
                    } else {
                        for (int i = 0; i < there; ++i) rows[i] = load_first(at + i * steps.f, n);
                    }
                    transpose<T>(rows);
                    for (int j = 0; j < n; ++j) {
                        if (tap_at[place] >= 0) {
                            check += rows[j] * T(0);
                            store(to + (std::ptrdiff_t(tap_at[place]) * C_group + k) * width + f,
                                  rows[j]);
                        }
                        if (++place == extent) place = 0, ++k;
                    }
                }
            }
        }
        return sum_of_lanes<T>(check) == 0;
    }

    for (int k = 0; k < C_group; ++k)
        for (int u = 0; u < c.HH; ++u)
            for (int v = 0; v < c.WW; ++v) {
                const T* tap = from + k * steps.c + u * steps.u + v * steps.v;
                T* at = row(u, v, k);
                for (int f = 0; f < width; ++f) at[f] = f < filters ? tap[f * steps.f] : T(0);
            }
    return all_finite(to, size);
}

#define CNN_INSTANTIATE(T)                                                                        \
    template void correlate(const Correlation&, const Panels&, const CorrelationArrays<T>&,       \
                            const CorrelationItem&, T*);                                          \
    template void correlate_inside(const Correlation&, const Panels&, const CorrelationArrays<T>&,\
                                   const CorrelationItem&, T*);                                   \
    template bool pack_filters(const Correlation&, const Panels&, const T*, const FilterSteps&,   \
                               T*, int);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn::CNN_LEVEL
