// Correlation of few filters, or few of a group: the lanes are pixels, or images.
//
//   out[n, i, j, f] = b[f] + Σ_{u, v, c} x[n, i*s + u*d - p, j*s + v*d - p, c] · w[f, c, u, v]
//
// Plan. Where lanes are filters, few filters leave most of them empty. Here the channels of
// the source are turned into planes, so that a register is one channel at neighbouring
// places, and a filter's weight is the same for all of it:
//
//   tile: R registers of places x F <= 8 filters, all sums in registers; each (c, u, v) costs
//         R loads and F broadcasts for R*F products.
//
//   pixels: a plane holds padded rows one after the other, and so do the sums: where a row
//           ends, the lanes go on in the next, and what they find between the two is not
//           written. The zeros right of a row are those left of the next. With a stride s
//           the pixels of each remainder modulo s stand in a part of their own, in which
//           neighbours of the result are neighbours.
//   images: a plane holds pixels of as many images side by side as fill registers. Then each
//           pixel of the result meets the taps alone that find the source: small maps under
//           large windows have many others.
//
// All phases of a strided gradient read the source that was turned once. Where the planes of
// all channels are too many for the caches, some channels at a time add to the sums. At last
// the sums are turned back.
#include "kernels/planes.hpp"

#include "kernels/kernels.hpp"
#include "kernels/grouped.hpp"
#include "kernels/results.hpp"
#include "simd/transpose.hpp"
#include "simd/vector.hpp"

namespace cnn::CNN_LEVEL {
namespace {

// of places: as many sums as there are registers for, beside the weights and a place
constexpr int registers_for(int filters) {
#if defined(__AVX512F__) || defined(__aarch64__)
    constexpr int most[] = {14, 12, 8, 6, 4, 4, 3, 3};
#else
    constexpr int most[] = {8, 6, 4, 3, 2, 2, 1, 1};
#endif
    return most[filters - 1];
}

struct Tap {
    std::ptrdiff_t place;  // in a plane
    int index;             // u*WW + v
};

template <class T> struct Sums {
    T* at;
    std::ptrdiff_t plane;
    bool add;  // to what is there
};

// How a tile walks over channels and taps.
template <class T> struct Way {
    std::ptrdiff_t plane;
    int channels, taps, all_taps;
    const Tap* tap;
};

template <class T, int F, int R>
void tile(const T* x, const T* w, const Way<T>& way, const Sums<T>& to) {
    Vector<T> sums[F][R] = {};
    if (to.add) {
#pragma GCC unroll 8
        for (int f = 0; f < F; ++f)
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) sums[f][r] = load(to.at + f * to.plane + r * lanes<T>);
    }
    for (int c = 0; c < way.channels; ++c) {
        for (int t = 0; t < way.taps; ++t) {
            const T* at = x + way.tap[t].place;
            const T* weights = w + std::ptrdiff_t(way.tap[t].index) * F;
            T weight[F];
#pragma GCC unroll 8
            for (int f = 0; f < F; ++f) weight[f] = weights[f];
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) {
                Vector<T> place = load(at + r * lanes<T>);
                if constexpr (F > 1 && R > 1) keep_in_register<T>(place);
#pragma GCC unroll 8
                for (int f = 0; f < F; ++f) sums[f][r] += place * weight[f];
            }
        }
        x += way.plane;
        w += std::ptrdiff_t(way.all_taps) * F;
    }
#pragma GCC unroll 8
    for (int f = 0; f < F; ++f)
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) store(to.at + f * to.plane + r * lanes<T>, sums[f][r]);
}

template <class T>
using Tile = void (*)(const T*, const T*, const Way<T>&, const Sums<T>&);

// Two neighbouring rows of the result and one filter: a place that both reach is loaded once.
// The first WW taps are above the second row's window, the last WW below the first's.
template <class T, int R>
void folded_tile(const T* x, const T* w, const Way<T>& way, const Sums<T>& to) {
    Vector<T> sums[2][R] = {};
    if (to.add) {
#pragma GCC unroll 2
        for (int a = 0; a < 2; ++a)
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) sums[a][r] = load(to.at + a * to.plane + r * lanes<T>);
    }
    const int row = way.taps - way.all_taps;  // WW
    for (int c = 0; c < way.channels; ++c) {
        int t = 0;
        for (; t < row; ++t) {
            const T* at = x + way.tap[t].place;
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) sums[0][r] += load(at + r * lanes<T>) * w[t];
        }
        for (; t < way.all_taps; ++t) {
            const T* at = x + way.tap[t].place;
            const T first = w[t], second = w[t - row];
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) {
                Vector<T> place = load(at + r * lanes<T>);
                keep_in_register<T>(place);
                sums[0][r] += place * first;
                sums[1][r] += place * second;
            }
        }
        for (; t < way.taps; ++t) {
            const T* at = x + way.tap[t].place;
#pragma GCC unroll 16
            for (int r = 0; r < R; ++r) sums[1][r] += load(at + r * lanes<T>) * w[t - row];
        }
        x += way.plane;
        w += way.all_taps;
    }
#pragma GCC unroll 2
    for (int a = 0; a < 2; ++a)
#pragma GCC unroll 16
        for (int r = 0; r < R; ++r) store(to.at + a * to.plane + r * lanes<T>, sums[a][r]);
}

template <class T, int F, int R> CNN_INLINE constexpr Tile<T> tile_or_none() {
    if constexpr (R <= registers_for(F)) return tile<T, F, R>;
    else return nullptr;
}

template <class T, int F> CNN_INLINE Tile<T> tile_of(int registers) {
    static constexpr Tile<T> table[] = {
        tile_or_none<T, F, 1>(), tile_or_none<T, F, 2>(), tile_or_none<T, F, 3>(),
        tile_or_none<T, F, 4>(), tile_or_none<T, F, 5>(), tile_or_none<T, F, 6>(),
        tile_or_none<T, F, 7>(), tile_or_none<T, F, 8>(), tile_or_none<T, F, 9>(),
        tile_or_none<T, F, 10>(), tile_or_none<T, F, 11>(), tile_or_none<T, F, 12>(),
        tile_or_none<T, F, 13>(), tile_or_none<T, F, 14>()};
    return table[registers - 1];
}

template <class T, int R> CNN_INLINE constexpr Tile<T> folded_or_none() {
    if constexpr (R <= registers_for(2)) return folded_tile<T, R>;
    else return nullptr;
}

template <class T> CNN_INLINE Tile<T> folded_tile_of(int registers) {
    static constexpr Tile<T> table[] = {
        folded_or_none<T, 1>(), folded_or_none<T, 2>(),  folded_or_none<T, 3>(),
        folded_or_none<T, 4>(), folded_or_none<T, 5>(),  folded_or_none<T, 6>(),
        folded_or_none<T, 7>(), folded_or_none<T, 8>(),  folded_or_none<T, 9>(),
        folded_or_none<T, 10>(), folded_or_none<T, 11>(), folded_or_none<T, 12>()};
    return table[registers - 1];
}

template <class T> CNN_INLINE Tile<T> tile_of(int filters, int registers) {
    switch (filters) {
        case 1: return tile_of<T, 1>(registers);
        case 2: return tile_of<T, 2>(registers);
        case 3: return tile_of<T, 3>(registers);
        case 4: return tile_of<T, 4>(registers);
        case 5: return tile_of<T, 5>(registers);
        case 6: return tile_of<T, 6>(registers);
        case 7: return tile_of<T, 7>(registers);
        default: return tile_of<T, 8>(registers);
    }
}

// Some registers of places, all filters of a group, its channels from `begin` on.
template <class T>
void filters_of_group(const Planes& p, const Correlation& c, const T* x, const T* w, int begin,
                      int registers, const Way<T>& way, const Sums<T>& to) {
    const std::ptrdiff_t first = std::ptrdiff_t(begin) * way.all_taps;
    if (p.fold == 2) return folded_tile_of<T>(registers)(x, w + first, way, to);
    const Pieces filters(c.F_group(), p.filters);
    const std::ptrdiff_t filter = std::ptrdiff_t(c.C_group()) * way.all_taps;
    for (int k = 0; k < filters.count; ++k) {
        const int F = filters.length(k), f = filters.start(k);
        Sums<T> some = to;
        some.at += f * to.plane;
        tile_of<T>(F, registers)(x, w + f * filter + first * F, way, some);
    }
}

// --- planes of the source, and back ----------------------------------------------------

// `rows` rows of numbers, `step` apart, to planes: whole registers are written.
template <class T>
CNN_INLINE void to_planes(const T* from, std::ptrdiff_t step, int rows, int channels, T* to,
                          std::ptrdiff_t plane) {
    auto columns = [&](auto count) CNN_LAMBDA {
        constexpr int n = decltype(count)::value;
        const FourColumns<T> four = load_columns<T, n>(from, step, rows);
#pragma GCC unroll 4
        for (int k = 0; k < n; ++k) store(to + k * plane, four.of[k]);
    };
    if (channels == 1 && step == 1)
        return store(to, rows == lanes<T> ? load(from) : load_first(from, rows));
    constexpr int line = 64 / static_cast<int>(sizeof(T));
    for (int k = 0; channels >= 4; ++k, channels -= 4, from += 4, to += 4 * plane) {
        // so many streams are more than a CPU foresees
        if (k % (line / 4) == 0 && channels > 2 * line)
            for (int r = 0; r < rows; ++r) __builtin_prefetch(from + r * step + 2 * line);
        columns(Count<4>{});
    }
    if (channels == 3) columns(Count<3>{});
    else if (channels == 2) columns(Count<2>{});
    else if (channels == 1) columns(Count<1>{});
}

// Sums to the result: `rows` rows of numbers, `step` apart.
template <class T>
CNN_INLINE void from_planes(const T* from, std::ptrdiff_t plane, int filters,
                            const Epilogue<T>& epilogue, T* to, std::ptrdiff_t step, int rows) {
    const T* bias = epilogue.bias;
    auto columns = [&](auto count) CNN_LAMBDA {
        constexpr int n = decltype(count)::value;
        FourColumns<T> four = {};
#pragma GCC unroll 4
        for (int k = 0; k < n; ++k) {
            four.of[k] = load(from + k * plane);
            if (bias) four.of[k] += broadcast<T>(bias[k]);
        }
        cut_off<T, n>(four.of, epilogue.relu);
        if (n == 1 && step == 1) {
            if (rows == lanes<T>) store(to, four.of[0]);
            else store_first(to, four.of[0], rows);
        } else {
            store_columns<T, n>(to, step, rows, four);
        }
        from += n * plane;
        to += n;
        if (bias) bias += n;
    };
    for (; filters >= 4; filters -= 4) columns(Count<4>{});
    if (filters == 3) columns(Count<3>{});
    else if (filters == 2) columns(Count<2>{});
    else if (filters == 1) columns(Count<1>{});
}

// What will be written is asked for while it is put together.
template <class T> CNN_INLINE void fetch_line(T* to, std::ptrdiff_t n) {
    for (std::ptrdiff_t k = 0; k < n; k += 64 / static_cast<int>(sizeof(T)))
        __builtin_prefetch(to + k, 1);
}

template <class T> CNN_INLINE void registers_of_zeros(T* to, int numbers) {
    for (int k = 0; k < numbers; k += lanes<T>) store(to + k, Vector<T>{});
}

// f(first, how many) for pieces of n that fill registers, the last one by what came before.
template <class T, class F> CNN_INLINE void for_registers(int n, F f) {
    if (n < lanes<T>) return f(0, n);
    int k = 0;
    for (; k + lanes<T> <= n; k += lanes<T>) f(k, lanes<T>);
    if (k < n) f(n - lanes<T>, lanes<T>);
}

// Rows of the source that an item reads.
struct Rows {
    int begin, end;
};

Rows rows_of(const Planes& p, const CorrelationItem& item) {
    Rows rows{0, 0};
    bool none = true;
    for (int k = 0; k < p.n_phases; ++k) {
        const Correlation& c = p.phases[k].c;
        const int last = smaller(item.i_end, c.H_out) - 1;
        if (c.HH == 0 || last < item.i_begin) continue;
        const int begin = item.i_begin * c.stride_h - c.pad_top;
        const int end = last * c.stride_h - c.pad_top + (c.HH - 1) * c.dilation_h + 1;
        rows.begin = none || begin < rows.begin ? begin : rows.begin;
        rows.end = none || end > rows.end ? end : rows.end;
        none = false;
    }
    return rows;
}

// Channels c0 .. c0+channels-1 of one image, in padded rows; whole registers are written, and
// what is too much of one is written again by the next row.
template <class T>
void turn_pixels(const Planes& p, const T* image, Rows rows, int c0, int channels, T* to) {
    const Correlation& c = p.c();
    const int sh = c.stride_h, sw = c.stride_w, columns = (p.columns + sw - 1) / sw;
    const std::ptrdiff_t step = std::ptrdiff_t(sw) * c.C;
    for (int h = rows.begin; h < rows.end; ++h) {
        const int r = h - rows.begin;
        if (r % sh >= p.rows_read) continue;
        for (int b = 0; b < p.columns_read; ++b) {
            T* row = to + (r % sh * sw + b) * p.part + std::ptrdiff_t(r / sh) * p.pitch;
            int first = 0, inside = 0;  // of this row's columns, those that the image has
            if (h >= 0 && h < c.H) {
                const int left = -p.left - b;
                first = left > 0 ? (left + sw - 1) / sw : 0;
                inside = (c.W - 1 - p.left - b + sw) / sw - first;
                inside = inside < 0 ? 0 : smaller(inside, columns - first);
            }
            if (inside <= 0) {
                for (int k = 0; k < channels; ++k) registers_of_zeros(row + k * p.plane, columns);
                continue;
            }
            if (first > 0)
                for (int k = 0; k < channels; ++k) registers_of_zeros(row + k * p.plane, first);
            const T* from = image + (std::ptrdiff_t(h) * c.W + first * sw + b + p.left) * c.C + c0;
            for_registers<T>(inside, [&](int j, int pixels) CNN_LAMBDA {
                to_planes(from + j * step, step, pixels, channels, row + first + j, p.plane);
            });
            const int end = first + inside;
            if (end < columns)
                for (int k = 0; k < channels; ++k)
                    registers_of_zeros(row + k * p.plane + end, columns - end);
        }
    }
}

// The same of as many images as lie side by side, without a border.
template <class T>
void turn_images(const Planes& p, const T* x, int images, Rows rows, int c0, int channels, T* to) {
    const Correlation& c = p.c();
    const std::ptrdiff_t image = std::ptrdiff_t(c.H) * c.W * c.C;
    for (std::ptrdiff_t pixel = std::ptrdiff_t(rows.begin) * c.W;
         pixel < std::ptrdiff_t(rows.end) * c.W; ++pixel, to += p.images)
        for (int n = 0; n < images; n += lanes<T>)
            to_planes(x + n * image + pixel * c.C + c0, image, smaller(images - n, lanes<T>),
                      channels, to + n, p.plane);
}

// f(group, its first filter's place, channels of x, c0 within the group) for each group of
// which channels c0 .. c0+channels-1 of all are turned.
template <class T, class F>
CNN_INLINE void for_groups(const Correlation& c, const Phase& phase, const CorrelationArrays<T>& a,
                           int taps, int c0, int channels, F f) {
    const int C_group = c.C_group();
    const std::ptrdiff_t group_size = std::ptrdiff_t(c.F_group()) * C_group * taps;
    const int begin = c0 / C_group, within = c0 % C_group;
    const int end = channels > C_group ? begin + channels / C_group : begin + 1;
    for (int g = begin; g < end; ++g)
        f(g, a.w + phase.w + g * group_size, g * C_group + within - c0,
          smaller(channels, C_group), within);
}

}  // namespace

// Blocks of filters lie one after the other, [channel][tap][filters of the block] each.
template <class T>
bool pack_planes(const Correlation& c, int most, const T* w, const FilterSteps& steps, T* packed,
                 int g) {
    const Pieces filters(c.F_group(), most);
    T* to = packed + std::ptrdiff_t(g) * c.F_group() * c.C_group() * c.HH * c.WW;
    T not_finite = 0;  // 0 * inf and 0 * nan are not 0
    for (int k = 0; k < filters.count; ++k)
        for (int channel = 0; channel < c.C_group(); ++channel)
            for (int u = 0; u < c.HH; ++u)
                for (int v = 0; v < c.WW; ++v)
                    for (int f = 0; f < filters.length(k); ++f, ++to) {
                        *to = w[g * steps.group + (filters.start(k) + f) * steps.f +
                                channel * steps.c + u * steps.u + v * steps.v];
                        not_finite += *to * 0;
                    }
    return not_finite == 0;
}

template <class T>
void correlate_planes(const Planes& p, const CorrelationArrays<T>& a, const CorrelationItem& item,
                      T* workspace) {
    const Correlation& source = p.c();
    const std::ptrdiff_t image = std::ptrdiff_t(source.H) * source.W * source.C;
    const bool pixels = p.images == 1;
    const int images = item.n_end - item.n_begin;
    Rows rows = rows_of(p, item);
    if (!pixels) {
        rows.begin = rows.begin < 0 ? 0 : rows.begin;
        rows.end = smaller(rows.end, source.H);
    }
    T* const sums = workspace;
    T* const line = workspace + p.sums_size;
    T* const planes = line + p.line;
    Tap taps[most_plane_taps];
    const int F_group = source.F_group();
    const int most = registers_for(p.fold == 2 ? 2 : smaller(F_group, p.filters));

    for (int c0 = 0; c0 < source.C;) {
        int channels = source.C;
        if (p.channels < source.C)  // never across groups
            channels = smaller(source.C_group() - c0 % source.C_group(), p.channels);
        if (pixels)
            turn_pixels(p, a.x + item.n_begin * image, rows, c0, channels, planes);
        else
            turn_images(p, a.x + item.n_begin * image, images, rows, c0, channels, planes);

        for (int k = 0; k < p.n_phases; ++k) {
            const Phase& phase = p.phases[k];
            const Correlation& c = phase.c;
            const int i_end = smaller(item.i_end, c.H_out);
            const int all_taps = c.HH ? (c.HH + 1 - p.fold) * c.WW : 0;
            if (i_end <= item.i_begin) continue;
            // places of the sums begin .. end-1, by the taps
            auto correlate = [&](int n_taps, int begin, int count) {
                const Pieces pieces(count, most);
                for (int piece = 0; piece < pieces.count; ++piece) {
                    const std::ptrdiff_t place = begin + pieces.start(piece) * lanes<T>;
                    for_groups<T>(c, phase, a, all_taps, c0, channels,
                                  [&](int g, const T* w, int from, int n, int within) {
                        const Way<T> way{p.plane, n, n_taps, all_taps, taps};
                        const std::ptrdiff_t filters = std::ptrdiff_t(g) * F_group * p.fold;
                        const Sums<T> to{sums + phase.sums + filters * p.sums_plane + place,
                                         p.sums_plane, within > 0};
                        filters_of_group(p, c, planes + from * p.plane + place - begin, w,
                                         within, pieces.length(piece), way, to);
                    });
                }
            };
            if (pixels) {
                int n_taps = 0;
                for (int u = 0; u < c.HH; ++u)
                    for (int v = 0; v < c.WW; ++v, ++n_taps) {
                        const int h = item.i_begin * c.stride_h - c.pad_top + u * c.dilation_h -
                                      rows.begin;
                        const int w = v * c.dilation_w - c.pad_left - p.left;
                        const int part = h % c.stride_h * c.stride_w + w % c.stride_w;
                        taps[n_taps] = {part * p.part +
                                            std::ptrdiff_t(h / c.stride_h) * p.pitch +
                                            w / c.stride_w,
                                        n_taps};
                    }
                const int places = (i_end - item.i_begin - 1) * p.pitch + c.W_out;
                correlate(n_taps, 0, (places + lanes<T> - 1) / lanes<T>);
                continue;
            }
            for (int i = item.i_begin; i < i_end; ++i)
                for (int j = 0; j < c.W_out; ++j) {
                    int n_taps = 0;
                    for (int u = 0; u < c.HH; ++u) {
                        const int h = i * c.stride_h - c.pad_top + u * c.dilation_h;
                        if (h < 0 || h >= c.H) continue;
                        for (int v = 0; v < c.WW; ++v) {
                            const int w = j * c.stride_w - c.pad_left + v * c.dilation_w;
                            if (w < 0 || w >= c.W) continue;
                            taps[n_taps++] = {(std::ptrdiff_t(h - rows.begin) * c.W + w) * p.images,
                                              u * c.WW + v};
                        }
                    }
                    correlate(n_taps, ((i - item.i_begin) * c.W_out + j) * p.images,
                              p.images / lanes<T>);
                }
        }
        c0 += channels;
    }

    for (int k = 0; k < p.n_phases; ++k) {
        const Phase& phase = p.phases[k];
        const Correlation& c = phase.c;
        const int i_begin = item.i_begin * p.fold, i_end = smaller(item.i_end * p.fold, phase.rows);
        const T* from = sums + phase.sums;
        T* out = a.out + phase.out + item.n_begin * c.out_image;
        const bool together = p.line > 0 && c.out_pixel == c.F;
        for (int i = i_begin; i < i_end; ++i) {
            T* row = out + i * c.out_row;
            if (pixels) {
                const T* sum = from + (i - i_begin) % p.fold * p.sums_plane +
                               (i - i_begin) / p.fold * p.pitch;
                T* to = together ? line : row;
                if (!a.epilogue.past_caches) fetch_line(row, c.W_out * c.out_pixel);
                for_registers<T>(c.W_out, [&](int j, int columns) CNN_LAMBDA {
                    from_planes(sum + j, p.fold * p.sums_plane, c.F, a.epilogue,
                                to + j * c.out_pixel, c.out_pixel, columns);
                });
                if (together)
                    write_line(row, line, c.W_out * c.out_pixel, a.epilogue.past_caches);
                continue;
            }
            for (int j = 0; j < c.W_out; ++j)
                for (int n = 0; n < images; n += lanes<T>)
                    from_planes(from + ((i - i_begin) * c.W_out + j) * p.images + n, p.sums_plane,
                                c.F, a.epilogue, row + j * c.out_pixel + n * c.out_image,
                                c.out_image, smaller(images - n, lanes<T>));
        }
    }
    if (a.epilogue.past_caches) finish_past_caches();
}

template <class T> int registers_of(int filters) { return registers_for(filters); }

const PlanesKernels<float> planes_f32 = {pack_planes<float>, registers_of<float>,
                                           correlate_planes<float>};
const PlanesKernels<double> planes_f64 = {pack_planes<double>, registers_of<double>,
                                            correlate_planes<double>};

}  // namespace cnn::CNN_LEVEL
