// The gradient of a correlation's filters, directly.
//
//   dw[f, c, u, v] = Σ_{n, i, j} dout[n, i, j, f] · x[n, i*s + u*d - p, j*s + v*d - p, c]
//
// Plan. For each row u of the window dw is a matrix: the F filters by the WW*C inputs, which
// lie side by side in x. Pixels are the reduction of an outer product in registers:
//
//   tile: MR rows x NV registers, all sums in registers; each pixel costs NV loads and MR
//         broadcasts for MR*NV products.
//
// Either of the two is in the lanes, whichever leaves fewer of them empty: many filters of
// few inputs, dout packed by panels; or many inputs of few filters, x and dout where they lie.
// A group's channels are gathered first, so that its rows of inputs lie side by side too.
//
//   block: some rows of an image, or some small images, so that the padded copy of x and
//          the dout of a block stay close, and sums are fetched from afar once for many pixels.
//   slice: some blocks, added up one after the other, which keeps the rounding error of
//          long sums small.
//
// Blocks and slices are a matter of the shape alone, and unpack() adds slices in their order:
// the bits do not depend on the number of threads.
#include "kernels/filter_gradient.hpp"

#include "kernels/kernels.hpp"
#include "kernels/padded.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {
namespace {

// --- the tile --------------------------------------------------------------------------------

struct Steps {
    std::ptrdiff_t pixel, row, image;
};

// Pixels as a tile walks over them.
struct Field {
    Steps scalars, vectors;  // in what is broadcast, and in what is loaded as registers
    int images, rows, columns;
    bool add;  // to the sums that are there; or write them for the first time
    bool vectors_ahead = false;
    std::ptrdiff_t ahead = 0;  // from the scalars, or the vectors, to what is read next
};

// Rows of a tile of some registers, with what is loaded and one number that is broadcast.
constexpr int rows_beside(int vectors) {
    const int rows = (vector_registers - 1 - vectors) / vectors;
    return rows < 14 ? rows : 14;
}

// Few sums are kept for every second or fourth pixel by themselves, so that an addition need
// not wait for the one before.
template <class T, int MR, int NV>
void sum_tile(const T* s, const T* v, const Field& field, T* sums_at) {
    constexpr int apart = MR * NV >= 8 ? 1 : MR * NV >= 4 ? 2 : 4;
    Vector<T> sums[apart][MR][NV] = {};
    const std::ptrdiff_t pixel = field.scalars.pixel, next = field.vectors.pixel;
    const Steps row_end{0, field.scalars.row - field.columns * pixel,
                        field.scalars.image - field.rows * field.scalars.row};
    const Steps vector_end{0, field.vectors.row - field.columns * next,
                           field.vectors.image - field.rows * field.vectors.row};
    const bool of_vectors = field.vectors_ahead;
    for (int n = 0; n < field.images; ++n, s += row_end.image, v += vector_end.image)
        for (int i = 0; i < field.rows; ++i, s += row_end.row, v += vector_end.row) {
            const T* ahead = (of_vectors ? v : s) + field.ahead;
            const std::ptrdiff_t ahead_pixel = of_vectors ? next : pixel;
            auto add = [&](Vector<T>(*to)[NV]) CNN_LAMBDA {
                Vector<T> here[NV];
#pragma GCC unroll 8
                for (int k = 0; k < NV; ++k) here[k] = load(v + k * lanes<T>);
#pragma GCC unroll 16
                for (int m = 0; m < MR; ++m) {
                    const T value = s[m];
#pragma GCC unroll 8
                    for (int k = 0; k < NV; ++k) to[m][k] += here[k] * value;
                }
                __builtin_prefetch(ahead);
                ahead += ahead_pixel;
                s += pixel;
                v += next;
            };
            int j = 0;
            // main loop
            for (; j + apart <= field.columns; j += apart) {
#pragma GCC unroll 4
                for (int p = 0; p < apart; ++p) add(sums[p]);
            }
            if constexpr (apart > 1)
                for (; j < field.columns; ++j) add(sums[0]);
        }
    if constexpr (apart > 1) {
#pragma GCC unroll 16
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
            for (int k = 0; k < NV; ++k)
#pragma GCC unroll 4
                for (int p = 1; p < apart; ++p) sums[0][m][k] += sums[p][m][k];
    }
    if (field.add) {
#pragma GCC unroll 16
        for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
            for (int k = 0; k < NV; ++k) sums[0][m][k] += load(sums_at + (m * NV + k) * lanes<T>);
    }
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m)
#pragma GCC unroll 8
        for (int k = 0; k < NV; ++k) store(sums_at + (m * NV + k) * lanes<T>, sums[0][m][k]);
}

template <class T> using SumTile = void (*)(const T*, const T*, const Field&, T*);

template <class T, int NV, int... M> struct SumTiles {
    static constexpr int most = rows_beside(NV);
    static constexpr SumTile<T> of[] = {sum_tile<T, (M < most ? M : most), NV>...};
};

template <class T, int NV> CNN_INLINE SumTile<T> sum_tile_of(int rows) {
    return SumTiles<T, NV, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14>::of[rows - 1];
}

// At most rows_beside(vectors) rows.
template <class T> CNN_INLINE SumTile<T> sum_tile_of(int rows, int vectors) {
    switch (vectors) {
        case 1: return sum_tile_of<T, 1>(rows);
        case 2: return sum_tile_of<T, 2>(rows);
        case 3: return sum_tile_of<T, 3>(rows);
        default: return sum_tile_of<T, 4>(rows);
    }
}

// --- blocks of pixels ------------------------------------------------------------------------

// The pixels of a block.
struct Pixels {
    int n, images, i, rows, columns;
};

CNN_INLINE Pixels pixels_of(const FilterGradient& g, int block) {
    const int n = block / g.row_blocks * g.block_images;
    const int i = block % g.row_blocks * g.block_rows;
    return {n, smaller(g.c.N - n, g.block_images), i, smaller(g.c.H_out - i, g.block_rows),
            g.c.W_of(n)};
}

// dout of some filters is added up for the bias, or where that is null just looked at: tells
// whether all of it is finite. With `to` it is packed as well, `width` numbers a pixel; what is
// looked at next lies `ahead`. Row by row, which keeps the rounding error small.
template <class T>
bool look_at_dout(T* to, const T* dout, const Correlation& c, const Pixels& at, int width,
                  int filters, std::ptrdiff_t ahead, T* bias_sums) {
    Vector<T> check = {};  // 0 * inf and 0 * nan are not 0
    for (int f = 0; f < filters; f += lanes<T>) {
        const int left = smaller(filters - f, lanes<T>);
        const LaneMask<T> mask = lane_mask<T>(left);
        Vector<T> total = {};
        for (int n = 0; n < at.images; ++n)
            for (int i = 0; i < at.rows; ++i) {
                const T* from = dout + n * c.out_image + i * c.out_row + f;
                T* p = to + (std::ptrdiff_t(n) * at.rows + i) * at.columns * width + f;
                Vector<T> of_row[2] = {};
                auto add = [&](int k) CNN_LAMBDA {
                    const Vector<T> d = load_masked(from, mask);
                    of_row[k] += d;
                    __builtin_prefetch(from + ahead);
                    from += c.out_pixel;
                    if (to) store(p, d);
                    p += width;
                };
                int j = 0;
                for (; j + 2 <= at.columns; j += 2) add(0), add(1);
                if (j < at.columns) add(0);
                total += of_row[0] + of_row[1];
            }
        check += total * T(0);
        if (bias_sums)
            store_first(bias_sums + f, load_first(bias_sums + f, left) + total, left);
    }
    return sum_of_lanes<T>(check) == 0;
}

// Of some places along an axis those where a tap of the window finds the image.
struct Places {
    int begin, end;
};

CNN_INLINE Places places_inside(int first, int count, int stride, int tap, int size) {
    int begin = 0, end = count;
    while (begin < end && (first + begin) * stride + tap < 0) ++begin;
    while (end > begin && (first + end - 1) * stride + tap >= size) --end;
    return {begin, end};
}

CNN_INLINE Places rows_inside(const Correlation& c, const Pixels& at, int u) {
    return places_inside(at.i, at.rows, c.stride_h, u * c.dilation_h - c.pad_top, c.H);
}

CNN_INLINE Places columns_inside(const Correlation& c, const Pixels& at, int v) {
    return places_inside(0, at.columns, c.stride_w, v * c.dilation_w - c.pad_left, c.W);
}

// x under a block.
template <class T> struct Under {
    const T* at;
    Steps steps;  // to the next pixel, row and image of x, not of the result
    bool in_place;
};

// A group's channels, or all, with their border.
template <class T>
Under<T> copy_under(const FilterGradient& g, const T* x, const Pixels& at, int group, T* to) {
    const Correlation& c = g.c;
    const int channels = g.gathered ? c.C_group() : c.C;
    const int first = at.i * c.stride_h, width = g.columns_under();
    const int rows = (at.rows - 1) * c.stride_h + (c.HH - 1) * c.dilation_h + 1;
    Correlation own = c;
    if (c.W_last) own.W = at.columns;  // one row, whose last piece is shorter
    const Under<T> under{to, {channels, std::ptrdiff_t(width) * channels,
                              std::ptrdiff_t(rows) * width * channels}, false};
    const std::ptrdiff_t size = std::ptrdiff_t(c.H) * c.W * c.C;
    const T* image = x + at.n * size + (g.gathered ? group * channels : 0);
    for (int n = 0; n < at.images; ++n, to += under.steps.image, image += size)
        copy_padded(to, image, own, channels, first, rows, width, true);
    return under;
}

// Where it lies, if no border is met; a tile of inputs may read behind the window's, and must
// not where the images end.
template <class T>
Under<T> x_under(const FilterGradient& g, const T* x, const Pixels& at, int group, T* workspace) {
    const Correlation& c = g.c;
    const std::ptrdiff_t row = std::ptrdiff_t(c.W) * c.C, image = c.H * row;
    const int first = at.i * c.stride_h - c.pad_top;
    const int rows = (at.rows - 1) * c.stride_h + (c.HH - 1) * c.dilation_h + 1;
    if (g.gathered || first < 0 || first + rows > c.H || c.pad_left > 0 ||
        g.columns_under() - c.pad_left > c.W)
        return copy_under(g, x, at, group, workspace);
    const std::ptrdiff_t begin = at.n * image + first * row - std::ptrdiff_t(c.pad_left) * c.C;
    const std::ptrdiff_t last = begin + (at.images - 1) * image + (rows - 1) * row +
                                std::ptrdiff_t(at.columns - 1) * c.stride_w * c.C + c.C -
                                c.C_group();
    const std::ptrdiff_t end = c.N * image - (c.W_last ? std::ptrdiff_t(c.W - c.W_last) * c.C : 0);
    if (g.lanes_are_inputs && last + g.registers * lanes<T> > end)
        return copy_under(g, x, at, group, workspace);
    return {x + begin, {c.C, row, image}, true};
}

template <class T>
void add_up(const FilterGradient& g, const FilterGradientArrays<T>& a,
            const FilterGradientPart& part, T* workspace) {
    const Correlation& c = g.c;
    const int C_group = c.C_group(), F_group = c.F_group();
    const Pieces pieces(g.rows / g.segments, g.most_rows);
    // packing costs as much as two readings; a register may reach behind its filters
    const bool rarely_read = c.HH * g.segments * pieces.count <= 2;
    const T* const dout_end = a.dout + (c.N - 1) * c.out_image + (c.H_out - 1) * c.out_row +
                              (c.W_of(c.N - 1) - 1) * c.out_pixel + c.F;
    T* packed = workspace;
    T* copied = workspace + g.packed_numbers();
    T* sums = a.sums + part.slice * c.groups * g.group_size();
    T* bias_sums = a.bias_sums ? a.bias_sums + std::ptrdiff_t(part.slice) * c.F : nullptr;

    for (int b = part.block_begin; b < part.block_end; ++b) {
        const Pixels at = pixels_of(g, b);
        const T* dout = a.dout + at.n * c.out_image + at.i * c.out_row;
        auto filters_of = [&](int unit) {
            const int first = g.lanes_are_inputs ? 0 : g.panel_start(unit % g.panels) * lanes<T>;
            return unit / g.panels * F_group + first;
        };
        const std::ptrdiff_t next_block = at.i + at.rows < c.H_out
                                              ? at.rows * c.out_row
                                              : at.images * c.out_image - at.i * c.out_row;
        Under<T> under{};
        int group_under = -1, group_of_finite = -1;
        // products with the border are 0 where dout is finite: then they are left out, row by
        // row, and column by column where taps have rows of their own
        const bool may_skip = g.segments > 1 || rows_inside(c, at, 0).begin > 0 ||
                              rows_inside(c, at, c.HH - 1).end < at.rows;
        bool finite = true;
        for (int unit = part.unit_begin; unit < part.unit_end; ++unit) {
            const int group = unit / g.panels, panel = unit % g.panels;
            if (group_under < 0 || (g.gathered && group != group_under)) {
                under = x_under(g, a.x, at, group, copied);
                group_under = group;
            }
            const int width = g.panel_width(panel), NV = width / lanes<T>;
            const int start = g.panel_start(panel) * lanes<T>;
            const T* inputs = under.at + (g.gathered ? 0 : group * C_group);
            const Steps of_x{c.stride_w * under.steps.pixel, c.stride_h * under.steps.row,
                             under.steps.image};
            Steps of_dout{c.out_pixel, c.out_row, c.out_image};
            const int f = filters_of(unit);
            const std::ptrdiff_t ahead =
                unit + 1 < part.unit_end ? filters_of(unit + 1) - f
                                         : next_block + filters_of(part.unit_begin) - f;
            const T* filters = dout + f;
            if (g.lanes_are_inputs) {
                // no more than once a group
                T* bias = bias_sums && panel == 0 ? bias_sums + f : nullptr;
                if (bias || (may_skip && group != group_of_finite))
                    finite =
                        look_at_dout<T>(nullptr, filters, c, at, 0, F_group, next_block, bias);
                group_of_finite = group;
            } else {
                const std::ptrdiff_t last = (at.images - 1) * c.out_image +
                                            (at.rows - 1) * c.out_row +
                                            (at.columns - 1) * c.out_pixel + width;
                const bool pack = !rarely_read || filters + last > dout_end;
                T* bias = bias_sums ? bias_sums + f : nullptr;
                if (pack || bias || may_skip)
                    finite = look_at_dout(pack ? packed : nullptr, filters, c, at, width,
                                          smaller(F_group - start, width), ahead, bias);
                if (pack) {
                    filters = packed;
                    of_dout = {width, std::ptrdiff_t(at.columns) * width,
                               std::ptrdiff_t(at.rows) * at.columns * width};
                }
            }
            Field field{g.lanes_are_inputs ? of_dout : of_x, g.lanes_are_inputs ? of_x : of_dout,
                        at.images, at.rows, at.columns, b != part.block_begin};
            // in memory a tile's numbers lie a pixel apart, which no CPU sees coming
            field.vectors_ahead = g.lanes_are_inputs;
            if (under.in_place && (unit == part.unit_begin || g.lanes_are_inputs))
                field.ahead = at.i + at.rows < c.H_out
                                  ? at.rows * of_x.row
                                  : at.images * under.steps.image - at.i * of_x.row;
            T* to = sums + group * g.group_size() + g.panel_offset(panel);
            for (int u = 0; u < c.HH; ++u) {
                const bool skip = may_skip && finite;
                const Places rows = skip ? rows_inside(c, at, u) : Places{0, at.rows};
                field.rows = rows.end - rows.begin;
                for (int s = 0; s < g.segments; ++s) {
                    const Places columns = skip && g.segments > 1 ? columns_inside(c, at, s)
                                                                  : Places{0, at.columns};
                    field.columns = columns.end - columns.begin;
                    auto first = [&](const Steps& steps) {
                        return rows.begin * steps.row + columns.begin * steps.pixel;
                    };
                    const T* x = inputs + u * c.dilation_h * under.steps.row +
                                 s * c.dilation_w * under.steps.pixel;
                    const T* of_row = (g.lanes_are_inputs ? filters : x) + first(field.scalars);
                    const T* vectors =
                        (g.lanes_are_inputs ? x + start : filters) + first(field.vectors);
                    for (int k = 0; k < pieces.count; ++k) {
                        const int MR = pieces.length(k);
                        sum_tile_of<T>(MR, NV)(of_row, vectors, field, to);
                        of_row += MR;
                        to += MR * width;
                    }
                }
            }
        }
    }
}

// Lanes are filters: one panel.
template <class T>
void unpack_filters(const FilterGradient& g, const T* sums, int slices, const FilterSteps& steps,
                    T* dw, int unit) {
    const Correlation& c = g.c;
    const int group = unit / g.panels, panel = unit % g.panels;
    const int C_group = c.C_group(), width = g.panel_width(panel);
    const int f0 = g.panel_start(panel) * lanes<T>, filters = smaller(c.F_group() - f0, width);
    const std::ptrdiff_t slice_size = c.groups * g.group_size();
    const T* from = sums + group * g.group_size() + g.panel_offset(panel);
    T* to = dw + group * steps.group + f0 * steps.f;

    // the totals of some inputs, and where a filter has them: each filter's lie side by side
    // in dw and are written so, and far from those of the next filter
    constexpr int most = 64;
    T totals[most * FilterGradient::most_panel_registers * lanes<T>];
    std::ptrdiff_t places[most];
    int count = 0;
    auto write = [&] {
        for (int f = 0; f < filters; ++f)
            for (int k = 0; k < count; ++k) to[f * steps.f + places[k]] = totals[k * width + f];
        count = 0;
    };
    for (int k = 0; k < C_group; ++k)
        for (int u = 0; u < c.HH; ++u)
            for (int v = 0; v < c.WW; ++v) {
                const T* at = from + ((std::ptrdiff_t(u) * c.WW + v) * C_group + k) * width;
                const std::ptrdiff_t place = u * steps.u + v * steps.v + k * steps.c;
                for (int f = 0; f < filters; f += lanes<T>) {
                    Vector<T> total = load(at + f);
                    for (int s = 1; s < slices; ++s) total += load(at + s * slice_size + f);
                    if (steps.f == 1)
                        store_first(to + place + f, total, smaller(filters - f, lanes<T>));
                    else store(totals + count * width + f, total);
                }
                if (steps.f == 1) continue;
                places[count] = place;
                if (++count == most) write();
            }
    write();
}

// Lanes are inputs: one filter, whose inputs are turned from (u, v, c) to (c, u, v).
template <class T>
void unpack_inputs(const FilterGradient& g, const T* sums, int slices, const FilterSteps& steps,
                   T* dw, int filter, T* line) {
    const Correlation& c = g.c;
    const int C_group = c.C_group(), group = filter / c.F_group(), f = filter % c.F_group();
    const std::ptrdiff_t slice_size = c.groups * g.group_size();
    const std::ptrdiff_t pitch = std::ptrdiff_t(g.registers) * lanes<T>;
    for (int panel = 0; panel < g.panels; ++panel) {
        const int width = g.panel_width(panel);
        const T* from = sums + group * g.group_size() + g.panel_offset(panel);
        for (int u = 0; u < c.HH; ++u) {
            const T* at = from + (std::ptrdiff_t(u) * g.rows + f) * width;
            T* to = line + u * pitch + g.panel_start(panel) * lanes<T>;
            for (int k = 0; k < width; k += lanes<T>) {
                Vector<T> total = load(at + k);
                for (int s = 1; s < slices; ++s) total += load(at + s * slice_size + k);
                store(to + k, total);
            }
        }
    }
    T* to = dw + group * steps.group + f * steps.f;
    for (int k = 0; k < C_group; ++k, to += steps.c)
        for (int u = 0; u < c.HH; ++u)
            for (int v = 0; v < c.WW; ++v)
                to[u * steps.u + v * steps.v] = line[u * pitch + v * C_group + k];
}

template <class T>
void unpack(const FilterGradient& g, const T* sums, int slices, const FilterSteps& steps, T* dw,
            int item, T* workspace) {
    if (g.lanes_are_inputs) unpack_inputs(g, sums, slices, steps, dw, item, workspace);
    else unpack_filters(g, sums, slices, steps, dw, item);
}

}  // namespace

#define CNN_ALL(T) \
    {{0, rows_beside(1), rows_beside(2), rows_beside(3), rows_beside(4)}, add_up<T>, unpack<T>}
const FilterGradientKernels<float> filter_gradient_f32 = CNN_ALL(float);
const FilterGradientKernels<double> filter_gradient_f64 = CNN_ALL(double);

}  // namespace cnn::CNN_LEVEL
