// Correlation and its filters' gradient where the groups are smaller than a register.
//
//   out[n, i, j, f] = b[f] + Σ_{u, v, c} x[n, i*s + u*d - p, j*s + v*d - p, g(f)*C_group + c]
//                                        · w[f, c, u, v]
//
// Plan. Panels of filters of one group would leave lanes empty, if it has few filters or some more
// than fill registers. Here a register holds the filters of neighbouring groups, wherever one
// ends, and for each c a permutation brings every lane the channel that its filter reads: one
// load of x, or two neighbouring ones, serves C_group products.
//
//   tile: MR pixels of a row x one register of filters; each (u, v, c) costs one load of
//         filters and MR permutations for MR products.
//
// Filters are packed [block][HH][WW][C_group][lanes]. Their gradient takes whole groups, with
// C_group <= F_group <= lanes, so that the channels of a block fit one register.
//
// With more channels than filters in a group the lanes are channels instead: of as many whole
// groups as fit a register, or of one group in several registers, as they lie in memory. A
// register of sums is one filter of each of its groups, and lanes of one group are added up
// when all taps are through:
//
//   inner tile: MR pixels x NF filters; each (u, v, register) costs MR loads of x and NF of
//               filters for MR*NF products.
//
// There filters are packed [block][F_group][HH][WW][registers][lanes].
#include "kernels/grouped.hpp"

#include "kernels/kernels.hpp"
#include "kernels/padded.hpp"
#include "kernels/results.hpp"
#include "simd/lanes.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {
namespace {

// The filters and channels of a block.
struct Block {
    int f, filters, c, channels;
};

CNN_INLINE Block block_of(const Correlation& c, const Groups& groups, int block) {
    if (groups.filters) {
        const int f = block * groups.filters, filters = smaller(c.F - f, groups.filters);
        const int first = f / c.F_group(), last = (f + filters - 1) / c.F_group();
        return {f, filters, first * c.C_group(), (last + 1 - first) * c.C_group()};
    }
    const int g = block * groups.in_block, n = smaller(c.groups - g, groups.in_block);
    return {g * c.F_group(), n * c.F_group(), g * c.C_group(), n * c.C_group()};
}

// Which lane of x each lane of filters reads, for c = 0; the next c is one lane on.
template <class T> CNN_INLINE Integers<T> first_channels(const Correlation& c) {
    Integers<T> index = {};
    for (int f = 0; f < lanes<T>; ++f) {
        const int channel = f / c.F_group() * c.C_group();
        index[f] = channel < lanes<T> ? channel : 0;
    }
    return index;
}

template <class T> CNN_INLINE Vector<T> load_some(const T* p, int n) {
    return n == lanes<T> ? load(p) : load_first(p, n);
}

struct Way {
    std::ptrdiff_t pixel, row, tap;  // steps in x
    int HH, WW, C_group;
    std::ptrdiff_t ahead;  // from these pixels to the next ones, where they come from memory; or 0
};

// Where a tile of one register of filters goes.
template <class T> struct Target {
    T* out;
    std::ptrdiff_t pixel;
    const T* bias;  // of these filters, or null
    Relu<T> relu;
    int filters, channels;  // that there are
};

template <class T, int MR, bool two>
void tile(const T* x, const T* w, const Way& way, const Target<T>& to) {
    const LaneMask<T> near_there = lane_mask<T>(smaller(to.channels, lanes<T>));
    const LaneMask<T> far_there =  // none in a last block of few groups
        lane_mask<T>(two && to.channels > lanes<T> ? to.channels - lanes<T> : 0);
    const LaneMask<T> filters_there = lane_mask<T>(to.filters);
    const std::ptrdiff_t pixel = way.pixel;
    Integers<T> first;
    __builtin_memcpy(&first, w, sizeof first);
    w += lanes<T>;
    Vector<T> sums[MR];
    const Vector<T> bias = to.bias ? load_masked(to.bias, filters_there) : Vector<T>{};
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m) sums[m] = bias;
    for (int u = 0; u < way.HH; ++u)
        for (int v = 0; v < way.WW; ++v) {
            const T* at = x + u * way.row + v * way.tap;
            Vector<T> near[MR], far[two ? MR : 1];
#pragma GCC unroll 16
            for (int m = 0; m < MR; ++m) {
                near[m] = load_masked(at + m * pixel, near_there);
                if constexpr (two) far[m] = load_masked(at + m * pixel + lanes<T>, far_there);
            }
            Integers<T> index = first;
            for (int c = 0; c < way.C_group; ++c, w += lanes<T>, index += 1) {
                const Vector<T> filters = load(w);
#pragma GCC unroll 16
                for (int m = 0; m < MR; ++m) {
                    if constexpr (two) sums[m] += filters * chosen_lanes<T>(near[m], far[m], index);
                    else sums[m] += filters * __builtin_shuffle(near[m], index);
                }
            }
        }
    cut_off<T, MR>(sums, to.relu);
#pragma GCC unroll 16
    for (int m = 0; m < MR; ++m) store_masked(to.out + m * to.pixel, sums[m], filters_there);
}

template <class T> using Tile = void (*)(const T*, const T*, const Way&, const Target<T>&);

// Their values and sums together in registers.
constexpr int most_pixels(bool two) { return vector_registers < 32 ? 6 : two ? 8 : 12; }

template <class T, bool two, int... M> CNN_INLINE Tile<T> one_of_tiles(int pixels) {
    static constexpr Tile<T> table[] = {tile<T, M, two>...};
    return table[pixels - 1];
}

template <class T> CNN_INLINE Tile<T> tile_of(int pixels, bool two) {
    if constexpr (permutes_two_registers)
        if (two) return one_of_tiles<T, true, 1, 2, 3, 4, 5, 6, 7, 8>(pixels);
    if constexpr (most_pixels(false) == 6) return one_of_tiles<T, false, 1, 2, 3, 4, 5, 6>(pixels);
    else return one_of_tiles<T, false, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12>(pixels);
}

// x under some rows of the result: in place, or a copy with its border.
template <class T> struct Source {
    const T* at;
    std::ptrdiff_t row;
};

template <class T>
Source<T> source_under(const Correlation& c, const T* image, int i, int rows_out, T* workspace) {
    const int first = i * c.stride_h;
    const int rows = (rows_out - 1) * c.stride_h + (c.HH - 1) * c.dilation_h + 1;
    const int width = (c.W_out - 1) * c.stride_w + (c.WW - 1) * c.dilation_w + 1;
    const bool in_place = first >= c.pad_top && first + rows - c.pad_top <= c.H &&
                          c.pad_left <= 0 && width - c.pad_left <= c.W;
    const std::ptrdiff_t row = std::ptrdiff_t(in_place ? c.W : width) * c.C;
    if (in_place)
        return {image + (first - c.pad_top) * row - std::ptrdiff_t(c.pad_left) * c.C, row};
    copy_padded(workspace, image, c, first, rows, width);
    return {workspace, row};
}

// The same for some neighbouring channels alone: an item with few of them copies no others.
template <class T> struct ChannelSource {
    const T* at;  // their first one
    std::ptrdiff_t row, pixel;
};

template <class T>
ChannelSource<T> channels_under(const Correlation& c, const T* image, int i, int rows_out,
                                int first_c, int channels, T* workspace) {
    if (channels == c.C) {
        const Source<T> source = source_under(c, image, i, rows_out, workspace);
        return {source.at, source.row, c.C};
    }
    const int first = i * c.stride_h;
    const int rows = (rows_out - 1) * c.stride_h + (c.HH - 1) * c.dilation_h + 1;
    const int width = (c.W_out - 1) * c.stride_w + (c.WW - 1) * c.dilation_w + 1;
    const std::ptrdiff_t image_row = std::ptrdiff_t(c.W) * c.C;
    if (first >= c.pad_top && first + rows - c.pad_top <= c.H && c.pad_left <= 0 &&
        width - c.pad_left <= c.W)
        return {image + (first - c.pad_top) * image_row - std::ptrdiff_t(c.pad_left) * c.C +
                    first_c,
                image_row, c.C};
    copy_padded(workspace, image + first_c, c, channels, first, rows, width, true);
    return {workspace, std::ptrdiff_t(width) * channels, channels};
}

// The channels of an item's blocks.
CNN_INLINE Block channels_of(const Correlation& c, const Groups& groups,
                             const FilterGradientItem& item) {
    const Block first = block_of(c, groups, item.panel_begin);
    const Block last = block_of(c, groups, item.panel_end - 1);
    return {first.f, last.f + last.filters - first.f, first.c, last.c + last.channels - first.c};
}

}  // namespace

template <class T>
void correlate_grouped(const Correlation& c, const Groups& groups, const CorrelationArrays<T>& a,
                       const CorrelationItem& item, T* workspace) {
    const bool gathers = a.epilogue.gathered;
    T* const staging = workspace;
    if (gathers) workspace += (staging_numbers(c.F, tile_rows) + 63) / 64 * 64;
    for (int n = item.n_begin; n < item.n_end; ++n) {
        const Source<T> source =
            source_under(c, a.x + std::ptrdiff_t(n) * c.H * c.W * c.C, item.i_begin,
                         item.i_end - item.i_begin, workspace);
        const Way way{std::ptrdiff_t(c.stride_w) * c.C, c.dilation_h * source.row,
                      std::ptrdiff_t(c.dilation_w) * c.C, c.HH, c.WW, c.C_group(), 0};
        const Pieces pieces(c.W_of(n), most_pixels(groups.two_registers));
        T* const first_out = a.out + n * c.out_image + item.i_begin * c.out_row;
        Gathered<T> gathered(staging, first_out);
        const bool in_place = source.at != workspace;
        // from a window to what the one below it is the first to meet
        const std::ptrdiff_t below =
            ((c.HH - 1) * c.dilation_h + c.stride_h) * source.row + (c.WW - 1) * way.tap;
        auto go_over = [&](int i, int begin, int end) CNN_LAMBDA {
            for (int k = 0; k < pieces.count; ++k) {
                const int MR = pieces.length(k);
                const T* const x = source.at + (i - item.i_begin) * c.stride_h * source.row +
                                   pieces.start(k) * way.pixel;
                if (in_place && i + 1 < item.i_end) fetch(x + below, MR * way.pixel);
                T* const out = gathers ? gathered.next()
                                       : first_out + (i - item.i_begin) * c.out_row +
                                             pieces.start(k) * c.out_pixel;
                for (int b = begin; b < end; ++b) {
                    const Block block = block_of(c, groups, b);
                    const Target<T> to{out + block.f,    c.out_pixel,
                                       a.epilogue.bias ? a.epilogue.bias + block.f : nullptr,
                                       a.epilogue.relu,  block.filters, block.channels};
                    tile_of<T>(MR, groups.two_registers)(
                        x + block.c, a.w + b * groups.block_size, way, to);
                }
                if (gathers) gathered.add(MR * c.F);
            }
        };
        const std::ptrdiff_t numbers = (item.panel_end - item.panel_begin) * groups.block_size;
        if (gathers || numbers * std::ptrdiff_t(sizeof(T)) <= filters_bytes) {
            for (int i = item.i_begin; i < item.i_end; ++i)
                go_over(i, item.panel_begin, item.panel_end);
        } else {
            for (int b = item.panel_begin; b < item.panel_end; ++b)
                for (int i = item.i_begin; i < item.i_end; ++i) go_over(i, b, b + 1);
        }
        if (gathers) gathered.finish();
    }
    if (gathers) finish_past_caches();
}

// One block: which lane of its channels each filter reads first, and [HH][WW][C_group][lanes].
// Tells whether all filters are finite.
template <class T>
bool pack_grouped(const Correlation& c, const Groups& groups, const T* w, const FilterSteps& steps,
                  T* packed, int b) {
    const Block block = block_of(c, groups, b);
    const int F_group = c.F_group();
    T* to = packed + b * groups.block_size;
    Integers<T> first = {};
    for (int f = 0; f < block.filters; ++f)
        first[f] = (block.f + f) / F_group * c.C_group() - block.c;
    __builtin_memcpy(to, &first, sizeof first);
    to += lanes<T>;
    T not_finite = 0;  // 0 * inf and 0 * nan are not 0
    for (int u = 0; u < c.HH; ++u)
        for (int v = 0; v < c.WW; ++v)
            for (int k = 0; k < c.C_group(); ++k, to += lanes<T>) {
                const T* tap = w + u * steps.u + v * steps.v + k * steps.c;
                for (int f = 0; f < lanes<T>; ++f) {
                    const int filter = block.f + f;
                    to[f] = f < block.filters
                                ? tap[filter / F_group * steps.group + filter % F_group * steps.f]
                                : 0;
                    not_finite += to[f] * 0;
                }
            }
    return not_finite == 0;
}

// --- the gradient of the filters ---------------------------------------------------------

namespace {

// Some sums of one row of the window, over some rows of pixels. Few sums are kept for every
// other pixel, so that an addition need not wait for the one before.
template <class T, int n>
CNN_INLINE void outer(const T* x, const T* dout, const Way& way, std::ptrdiff_t x_row, int rows,
                      int columns, std::ptrdiff_t out_row, std::ptrdiff_t out_pixel,
                      LaneMask<T> channels, LaneMask<T> filters, Integers<T> index, T* sums_at) {
    constexpr int apart = n <= 2 ? 4 : n <= 4 ? 2 : 1;
    Vector<T> sums[apart][n] = {};
    auto add = [&](const T* from, const T* d, Vector<T>* to) CNN_LAMBDA {
        const Vector<T> gradient = load_masked(d, filters);
        const Vector<T> value = load_masked(from, channels);
#pragma GCC unroll 8
        for (int k = 0; k < n; ++k) to[k] += gradient * __builtin_shuffle(value, index + k);
    };
    for (int i = 0; i < rows; ++i) {
        const T* from = x + i * x_row;
        const T* d = dout + i * out_row;
        int j = 0;
        for (; j + apart <= columns; j += apart) {
#pragma GCC unroll 4
            for (int p = 0; p < apart; ++p, from += way.pixel, d += out_pixel)
                add(from, d, sums[p]);
        }
        for (; j < columns; ++j, from += way.pixel, d += out_pixel) add(from, d, sums[0]);
    }
#pragma GCC unroll 8
    for (int k = 0; k < n; ++k) {
#pragma GCC unroll 4
        for (int p = 1; p < apart; ++p) sums[0][k] += sums[p][k];
        store(sums_at + k * lanes<T>, load(sums_at + k * lanes<T>) + sums[0][k]);
    }
}

}  // namespace

template <class T>
void filter_gradient_grouped(const Correlation& c, const Groups& groups,
                             const FilterGradientArrays<T>& a, const FilterGradientItem& item,
                             T* workspace) {
    const int C_group = c.C_group();
    const Integers<T> first = first_channels<T>(c);
    const Block all = channels_of(c, groups, item);
    T* sums = a.sums + item.slice * groups.count * groups.block_size;
    T* bias_sums = a.bias_sums ? a.bias_sums + std::ptrdiff_t(item.slice) * c.F : nullptr;
    for (int n = item.n_begin; n < item.n_end; ++n)
        for (int i = 0; i < c.H_out; i += item.rows) {
            const int rows = smaller(c.H_out - i, item.rows);
            const ChannelSource<T> source =
                channels_under(c, a.x + std::ptrdiff_t(n) * c.H * c.W * c.C, i, rows, all.c,
                               all.channels, workspace);
            const Way way{c.stride_w * source.pixel, c.dilation_h * source.row,
                          c.dilation_w * source.pixel, c.HH, c.WW, C_group, 0};
            const std::ptrdiff_t x_row = c.stride_h * source.row;
            for (int b = item.panel_begin; b < item.panel_end; ++b) {
                const Block block = block_of(c, groups, b);
                const T* dout = a.dout + n * c.out_image + i * c.out_row + block.f;
                T* to = sums + b * groups.block_size;
                auto add = [&](auto count, const T* x, Integers<T> index) {
                    outer<T, decltype(count)::value>(
                        x, dout, way, x_row, rows, c.W_of(n), c.out_row, c.out_pixel,
                        lane_mask<T>(block.channels), lane_mask<T>(block.filters), index, to);
                    to += decltype(count)::value * lanes<T>;
                };
                for (int u = 0; u < c.HH; ++u)
                    for (int v = 0; v < c.WW; ++v) {
                        const T* x = source.at + u * way.row + v * way.tap + (block.c - all.c);
                        int k = 0;
                        for (; k + 4 <= C_group; k += 4) add(Count<4>{}, x, first + k);
                        for (; k < C_group; ++k) add(Count<1>{}, x, first + k);
                    }
                if (bias_sums) {
                    Vector<T> total = {};
                    for (int r = 0; r < rows; ++r)
                        for (int j = 0; j < c.W_of(n); ++j)
                            total +=
                                load_some(dout + r * c.out_row + j * c.out_pixel, block.filters);
                    T* bias = bias_sums + block.f;
                    store_first(bias, load_first(bias, block.filters) + total, block.filters);
                }
            }
        }
}

// Adds the slices of one block in their order and writes dw at the steps.
template <class T>
void unpack_grouped(const Correlation& c, const Groups& groups, const T* sums, int slices,
                    const FilterSteps& steps, T* dw, int b) {
    const Block block = block_of(c, groups, b);
    const int F_group = c.F_group();
    const std::ptrdiff_t slice_size = groups.count * groups.block_size;
    const T* from = sums + b * groups.block_size;
    for (int u = 0; u < c.HH; ++u)
        for (int v = 0; v < c.WW; ++v)
            for (int k = 0; k < c.C_group(); ++k, from += lanes<T>)
                for (int f = 0; f < block.filters; ++f) {
                    const int filter = block.f + f;
                    T total = from[f];
                    for (int s = 1; s < slices; ++s) total += from[s * slice_size + f];
                    dw[filter / F_group * steps.group + filter % F_group * steps.f +
                       u * steps.u + v * steps.v + k * steps.c] = total;
                }
}

// --- more channels than filters in a group ------------------------------------------------

namespace {

// How the channels of a block lie in registers: all full but the last one.
template <class T> struct Registers {
    int count, last;
    CNN_INLINE Registers(int channels)
        : count((channels + lanes<T> - 1) / lanes<T>), last(channels - (count - 1) * lanes<T>) {}
    CNN_INLINE LaneMask<T> mask(int k) const {
        return lane_mask<T>(k + 1 < count ? lanes<T> : last);
    }
};

// Filters at the packed filters of a block.
template <class T>
CNN_INLINE std::ptrdiff_t inner_filter(const Correlation& c, const Groups& groups) {
    return groups.block_size / c.F_group();
}

template <class T> struct InnerTarget {
    T* out;
    std::ptrdiff_t pixel;
    const T* bias;  // of the block's filters, or null
    Relu<T> relu;
    int groups, C_group, F_group;  // of the block
    Integers<T> first;             // the first channel of each group
};

// 0, 1, 2, ... as numbers in memory: GCC 12 would write them lane by lane, and wait for it.
template <class T> struct Numbers;
template <> struct Numbers<float> {
    static constexpr std::int32_t of[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
};
template <> struct Numbers<double> {
    static constexpr std::int64_t of[] = {0, 1, 2, 3, 4, 5, 6, 7};
};

// As many sums of lanes at a time as fit, each at lane k * (lanes / sums_at_once).
template <class T> constexpr int sums_at_once = lanes<T> < 8 ? lanes<T> : 8;

// Halves of the lanes are added to halves, those of two registers in one: g lanes of each sum
// are left by then, at last one.
template <class T, int n = sums_at_once<T>, int g = lanes<T>>
CNN_INLINE Vector<T> sums_in_halves(Vector<T>* v) {
    Integers<T> numbers;
    __builtin_memcpy(&numbers, Numbers<T>::of, sizeof numbers);
    if constexpr (n > 1) {
        const Integers<T> piece = numbers / (g / 2), of_second = (piece & 1) * lanes<T>;
        const Integers<T> low = piece / 2 * g + numbers % (g / 2) + of_second;
#pragma GCC unroll 4
        for (int k = 0; k < n / 2; ++k)
            v[k] = chosen_lanes<T>(v[k], v[k + n / 2], low) +
                   chosen_lanes<T>(v[k], v[k + n / 2], low + g / 2);
        return sums_in_halves<T, n / 2, g / 2>(v);
    } else {
        Vector<T> sum = v[0];
#pragma GCC unroll 4
        for (int width = g / 2; width; width /= 2) sum += __builtin_shuffle(sum, numbers ^ width);
        return sum;
    }
}

// One function for tiles of every size: it is long, and they would each have it.
template <class T>
__attribute__((noinline)) void add_lanes_up(const Vector<T>* sums, int rows, int filters,
                                            const InnerTarget<T>& to) {
    if (to.groups == 1) {
        constexpr int n = sums_at_once<T>;
        for (int k = 0; k < rows * filters; k += n) {
            const int there = smaller(n, rows * filters - k);
            Vector<T> some[n];
            for (int i = 0; i < n; ++i) some[i] = i < there ? sums[k + i] : Vector<T>{};
            T lane[lanes<T>];
            store(lane, sums_in_halves<T>(some));
            for (int i = 0, f = k / rows, m = k % rows; i < there; ++i) {
                T y = lane[i * (lanes<T> / n)];
                if (to.bias) y += to.bias[f];
                to.out[m * to.pixel + f] = cut_off_number<T>(y, to.relu);
                if (++m == rows) m = 0, ++f;
            }
        }
        return;
    }
    for (int f = 0; f < filters; ++f)
        for (int m = 0; m < rows; ++m, ++sums) {
            T* out = to.out + m * to.pixel + f;
            Integers<T> lane = to.first;  // lane g: the channels of group g
            Vector<T> total = __builtin_shuffle(*sums, lane);
            for (int k = 1; k < to.C_group; ++k) total += __builtin_shuffle(*sums, lane += 1);
            if (to.F_group == 1) {  // the filters of the groups are neighbours
                if (to.bias) total += load_first(to.bias, to.groups);
                store_first(out, cut_off<T>(total, to.relu), to.groups);
                continue;
            }
            for (int g = 0; g < to.groups; ++g) {
                T y = total[g];
                if (to.bias) y += to.bias[g * to.F_group + f];
                out[g * to.F_group] = cut_off_number<T>(y, to.relu);
            }
        }
}

template <class T, int MR, int NF>
void inner_tile(const T* x, const T* w, std::ptrdiff_t w_filter, const Way& way,
                const Registers<T>& registers, const InnerTarget<T>& to) {
    Vector<T> sums[NF][MR] = {};
    const LaneMask<T> last = lane_mask<T>(registers.last);
    for (int u = 0; u < way.HH; ++u)
        for (int v = 0; v < way.WW; ++v) {
            const T* at = x + u * way.row + v * way.tap;
            auto products = [&](auto value_at) CNN_LAMBDA {
                if (way.ahead)
#pragma GCC unroll 16
                    for (int m = 0; m < MR; ++m)
                        __builtin_prefetch(at + m * way.pixel + way.ahead);
                Vector<T> filters[NF];
#pragma GCC unroll 4
                for (int f = 0; f < NF; ++f) filters[f] = load(w + f * w_filter);
#pragma GCC unroll 16
                for (int m = 0; m < MR; ++m) {
                    const Vector<T> value = value_at(at + m * way.pixel);
#pragma GCC unroll 4
                    for (int f = 0; f < NF; ++f) sums[f][m] += value * filters[f];
                }
                at += lanes<T>;
                w += lanes<T>;
            };
            for (int k = 1; k < registers.count; ++k)
                products([](const T* p) CNN_LAMBDA { return load(p); });
            products([last](const T* p) CNN_LAMBDA { return load_masked(p, last); });
        }
    add_lanes_up<T>(&sums[0][0], MR, NF, to);
}

template <class T>
using InnerTile = void (*)(const T*, const T*, std::ptrdiff_t, const Way&, const Registers<T>&,
                           const InnerTarget<T>&);

constexpr int most_inner_pixels = 4;

template <class T, int NF> CNN_INLINE InnerTile<T> inner_tile_of(int rows) {
    static constexpr InnerTile<T> table[most_inner_pixels] = {
        inner_tile<T, 1, NF>, inner_tile<T, 2, NF>, inner_tile<T, 3, NF>, inner_tile<T, 4, NF>};
    return table[rows - 1];
}

// Which lane of dout each lane of channels meets, for f = 0; the next f is one lane on.
template <class T>
CNN_INLINE Integers<T> first_filters(const Correlation& c, const Groups& groups) {
    Integers<T> index = {};
    if (groups.in_block > 1)
        for (int l = 0; l < lanes<T>; ++l) {
            const int filter = l / c.C_group() * c.F_group();
            index[l] = filter < lanes<T> ? filter : 0;
        }
    return index;
}

}  // namespace

template <class T>
bool pack_inner(const Correlation& c, const Groups& groups, const T* w, const FilterSteps& steps,
                T* packed, int b) {
    const Block block = block_of(c, groups, b);
    const int C_group = c.C_group();
    const Registers<T> registers(groups.in_block * C_group);
    T* to = packed + b * groups.block_size;
    T not_finite = 0;  // 0 * inf and 0 * nan are not 0
    for (int f = 0; f < c.F_group(); ++f)
        for (int u = 0; u < c.HH; ++u)
            for (int v = 0; v < c.WW; ++v)
                for (int k = 0; k < registers.count * lanes<T>; ++k, ++to) {
                    *to = 0;
                    if (k >= block.channels) continue;
                    *to = w[(block.f / c.F_group() + k / C_group) * steps.group + f * steps.f +
                            k % C_group * steps.c + u * steps.u + v * steps.v];
                    not_finite += *to * 0;
                }
    return not_finite == 0;
}

template <class T>
void correlate_inner(const Correlation& c, const Groups& groups, const CorrelationArrays<T>& a,
                     const CorrelationItem& item, T* workspace) {
    Integers<T> first = {};
    for (int g = 0; g < groups.in_block; ++g) first[g] = g * c.C_group();
    const std::ptrdiff_t w_filter = inner_filter<T>(c, groups);
    const T* const bias = a.epilogue.bias;
    for (int n = item.n_begin; n < item.n_end; ++n) {
        const Source<T> source =
            source_under(c, a.x + std::ptrdiff_t(n) * c.H * c.W * c.C, item.i_begin,
                         item.i_end - item.i_begin, workspace);
        Way way{std::ptrdiff_t(c.stride_w) * c.C, c.dilation_h * source.row,
                std::ptrdiff_t(c.dilation_w) * c.C, c.HH, c.WW, c.C_group(), 0};
        const Pieces pieces(c.W_of(n), most_inner_pixels);
        // under windows that overlap most is met again
        const bool fetches = c.HH <= c.stride_h || c.stride_w > 1;
        // some pixels, all filters of a block
        auto block_at = [&](int b, int MR, const T* x, T* out) CNN_LAMBDA {
            const Block block = block_of(c, groups, b);
            // the last block may have fewer groups, not fewer registers of filters
            Registers<T> registers(groups.in_block * c.C_group());
            registers.last -= groups.in_block * c.C_group() - block.channels;
            for (int f = 0; f < c.F_group();) {
                const bool two = f + 2 <= c.F_group();
                const InnerTarget<T> to{
                    out + block.f + f, c.out_pixel, bias ? bias + block.f + f : nullptr,
                    a.epilogue.relu, block.channels / c.C_group(), c.C_group(), c.F_group(), first};
                const T* w = a.w + b * groups.block_size + f * w_filter;
                const auto tile = two ? inner_tile_of<T, 2>(MR) : inner_tile_of<T, 1>(MR);
                tile(x + block.c, w, w_filter, way, registers, to);
                f += two ? 2 : 1;
                way.ahead = 0;  // then it is on its way
            }
        };
        auto go_over = [&](int i, int begin, int end) CNN_LAMBDA {
            for (int k = 0; k < pieces.count; ++k) {
                const int MR = pieces.length(k), j = pieces.start(k);
                const T* x = source.at + (i - item.i_begin) * c.stride_h * source.row +
                             j * way.pixel;
                T* out = a.out + n * c.out_image + i * c.out_row + j * c.out_pixel;
                std::ptrdiff_t ahead = 0;
                if (fetches)
                    ahead = k + 1 < pieces.count ? MR * way.pixel
                            : i + 1 < item.i_end ? c.stride_h * source.row - j * way.pixel
                                                 : 0;
                for (int b = begin; b < end; ++b) {
                    way.ahead = ahead;
                    block_at(b, MR, x, out);
                }
            }
        };
        const std::ptrdiff_t numbers = (item.panel_end - item.panel_begin) * groups.block_size;
        if (numbers * std::ptrdiff_t(sizeof(T)) <= filters_bytes) {
            for (int i = item.i_begin; i < item.i_end; ++i)
                go_over(i, item.panel_begin, item.panel_end);
        } else {
            for (int b = item.panel_begin; b < item.panel_end; ++b)
                for (int i = item.i_begin; i < item.i_end; ++i) go_over(i, b, b + 1);
        }
    }
}

namespace {

// Sums of one filter at some taps of one row of the window, over some rows of pixels.
template <class T, int n>
CNN_INLINE void inner_outer(const T* x, const T* dout, const Way& way, std::ptrdiff_t x_row,
                            int rows,
                            int columns, std::ptrdiff_t out_row, std::ptrdiff_t out_pixel,
                            LaneMask<T> channels, LaneMask<T> filters, Integers<T> index,
                            std::ptrdiff_t sums_tap, T* sums_at) {
    Vector<T> sums[n] = {};
    for (int i = 0; i < rows; ++i) {
        const T* from = x + i * x_row;
        const T* d = dout + i * out_row;
        for (int j = 0; j < columns; ++j, from += way.pixel, d += out_pixel) {
            const Vector<T> gradient = __builtin_shuffle(load_masked(d, filters), index);
#pragma GCC unroll 8
            for (int k = 0; k < n; ++k)
                sums[k] += gradient * load_masked(from + k * way.tap, channels);
        }
    }
#pragma GCC unroll 8
    for (int k = 0; k < n; ++k)
        store(sums_at + k * sums_tap, load(sums_at + k * sums_tap) + sums[k]);
}

}  // namespace

template <class T>
void filter_gradient_inner(const Correlation& c, const Groups& groups,
                           const FilterGradientArrays<T>& a, const FilterGradientItem& item,
                           T* workspace) {
    const Integers<T> first = first_filters<T>(c, groups);
    const Block all = channels_of(c, groups, item);
    T* sums = a.sums + item.slice * groups.count * groups.block_size;
    T* bias_sums = a.bias_sums ? a.bias_sums + std::ptrdiff_t(item.slice) * c.F : nullptr;
    for (int n = item.n_begin; n < item.n_end; ++n)
        for (int i = 0; i < c.H_out; i += item.rows) {
            const int rows = smaller(c.H_out - i, item.rows), columns = c.W_of(n);
            const ChannelSource<T> source =
                channels_under(c, a.x + std::ptrdiff_t(n) * c.H * c.W * c.C, i, rows, all.c,
                               all.channels, workspace);
            const Way way{c.stride_w * source.pixel, c.dilation_h * source.row,
                          c.dilation_w * source.pixel, c.HH, c.WW, c.C_group(), 0};
            const std::ptrdiff_t x_row = c.stride_h * source.row;
            for (int b = item.panel_begin; b < item.panel_end; ++b) {
                const Block block = block_of(c, groups, b);
                Registers<T> registers(groups.in_block * c.C_group());
                registers.last -= groups.in_block * c.C_group() - block.channels;
                const LaneMask<T> filters = lane_mask<T>(block.filters);
                const T* dout = a.dout + n * c.out_image + i * c.out_row + block.f;
                T* to = sums + b * groups.block_size;
                const std::ptrdiff_t tap = registers.count * lanes<T>;
                for (int f = 0; f < c.F_group(); ++f)
                    for (int u = 0; u < c.HH; ++u, to += c.WW * tap)
                        for (int k = 0; k < registers.count; ++k) {
                            const T* x = source.at + u * way.row + (block.c - all.c) + k * lanes<T>;
                            auto add = [&](auto count, int v) {
                                inner_outer<T, decltype(count)::value>(
                                    x + v * way.tap, dout, way, x_row, rows, columns, c.out_row,
                                    c.out_pixel, registers.mask(k), filters, first + f, tap,
                                    to + v * tap + k * lanes<T>);
                            };
                            int v = 0;
                            for (; v + 5 <= c.WW; v += 5) add(Count<5>{}, v);
                            for (; v + 3 <= c.WW; v += 3) add(Count<3>{}, v);
                            for (; v < c.WW; ++v) add(Count<1>{}, v);
                        }
                if (bias_sums) {
                    Vector<T> total = {};
                    for (int r = 0; r < rows; ++r)
                        for (int j = 0; j < columns; ++j)
                            total += load_masked(dout + r * c.out_row + j * c.out_pixel, filters);
                    T* bias = bias_sums + block.f;
                    store_first(bias, load_first(bias, block.filters) + total, block.filters);
                }
            }
        }
}

template <class T>
void unpack_inner(const Correlation& c, const Groups& groups, const T* sums, int slices,
                  const FilterSteps& steps, T* dw, int b) {
    const Block block = block_of(c, groups, b);
    const int C_group = c.C_group();
    const Registers<T> registers(groups.in_block * C_group);
    const std::ptrdiff_t slice_size = groups.count * groups.block_size;
    const T* from = sums + b * groups.block_size;
    for (int f = 0; f < c.F_group(); ++f)
        for (int u = 0; u < c.HH; ++u)
            for (int v = 0; v < c.WW; ++v, from += registers.count * lanes<T>)
                for (int k = 0; k < block.channels; ++k) {
                    T total = from[k];
                    for (int s = 1; s < slices; ++s) total += from[s * slice_size + k];
                    dw[(block.f / c.F_group() + k / C_group) * steps.group + f * steps.f +
                       k % C_group * steps.c + u * steps.u + v * steps.v] = total;
                }
}

#define CNN_INNER(T) {pack_inner<T>, correlate_inner<T>, filter_gradient_inner<T>, unpack_inner<T>}
const GroupedKernels<float> inner_f32 = CNN_INNER(float);
const GroupedKernels<double> inner_f64 = CNN_INNER(double);

#define CNN_ALL(T) \
    {pack_grouped<T>, correlate_grouped<T>, filter_gradient_grouped<T>, unpack_grouped<T>}
const GroupedKernels<float> grouped_f32 = CNN_ALL(float);
const GroupedKernels<double> grouped_f64 = CNN_ALL(double);

}  // namespace cnn::CNN_LEVEL
