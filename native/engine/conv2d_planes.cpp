// Convolutions of few filters with pixels or images as lanes: which they are, how many
// channels and rows an item turns at a time, and where this is quicker than lanes of filters.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "dispatch/dispatch.hpp"
#include "engine/elementwise.hpp"
#include "engine/grouped.hpp"
#include "engine/planes.hpp"
#include "engine/stores.hpp"
#include "memory/blocks.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

constexpr Size planes_bytes = 192 << 10;  // of the source, at a time
constexpr Size sums_bytes = 192 << 10;
constexpr Size most_numbers = Size(1) << 26;  // of a workspace
constexpr Size most_pixels = 1 << 24;  // of an image
constexpr Size near_bytes = 24 << 10;
constexpr int places_wanted = 224;    // as many as a tile has, or some

struct Reach {
    int begin, end;
};

// What the phases read of an axis, by the windows of their first `most` results.
template <class Axis> Reach reach(const Planes& p, int most, Axis axis) {
    Reach all{0, 0};
    bool none = true;
    for (int k = 0; k < p.n_phases; ++k) {
        const auto [taps, stride, pad, dilation, size] = axis(p.phases[k].c);
        if (taps == 0 || size == 0) continue;
        const int last = (std::min(size, most) - 1) * stride + (taps - 1) * dilation;
        const Reach own{-pad, last - pad + 1};
        all = none ? own : Reach{std::min(all.begin, own.begin), std::max(all.end, own.end)};
        none = false;
    }
    return all;
}

struct Axis {
    int taps, stride, pad, dilation, size;
};
Axis vertical(const Correlation& c) {
    return {c.HH, c.stride_h, c.pad_top, c.dilation_h, c.H_out};
}
Axis horizontal(const Correlation& c) {
    return {c.WW, c.stride_w, c.pad_left, c.dilation_w, c.W_out};
}

// Of so many neighbours as a stride has, those that some tap finds.
int read_of_stride(const Axis& a) {
    return a.dilation == 1 ? std::clamp(a.taps, 1, a.stride) : a.taps > 1 ? a.stride : 1;
}

// Products of one axis: taps that find the source, of all results.
Size products_of(const Axis& a, int source) {
    Size n = 0;
    for (int u = 0; u < a.taps; ++u) {
        const int first = a.pad - u * a.dilation;  // i * stride >= first and < first + source
        const int begin = first > 0 ? ceil_div(first, a.stride) : 0;
        const int end = first + source > 0 ? ceil_div(first + source, a.stride) : 0;
        n += std::max(0, std::min(end, a.size) - begin);
    }
    return n;
}

// Whether places of an axis can be counted in ints, with some to spare.
bool countable(const Axis& a) {
    constexpr double most = 1 << 20;
    return std::abs(double(a.pad)) < most && double(a.stride) < most &&
           double(a.taps) * a.dilation < most && double(a.size) * a.stride < most;
}

// Numbers that do not fall into few sets of the caches, plane after plane.
Size spaced(Size numbers, int lanes) {
    numbers = (numbers + lanes - 1) / lanes * lanes;
    return numbers % (4 * lanes) ? numbers : numbers + lanes;
}

template <class T> struct Sizes {
    int lanes = 0, rows_out = 0, W_out = 0;  // the most of all phases

    Sizes() = default;
    explicit Sizes(const Planes& p) : lanes(kernels<T>().lanes) {
        for (int k = 0; k < p.n_phases; ++k) {
            rows_out = std::max(rows_out, p.phases[k].c.H_out);
            W_out = std::max(W_out, p.phases[k].c.W_out);
        }
    }
};

template <class T> void set_rows(Planes& p, const Sizes<T>& s, int rows) {
    const Correlation& c = p.c();
    p.rows = rows;
    const Reach h = reach(p, rows, vertical);
    const int source_rows = h.end - h.begin;
    if (p.images == 1) {
        p.part = Size(ceil_div(source_rows, c.stride_h)) * p.pitch +
                 ceil_div(p.columns, c.stride_w) - p.pitch + s.lanes;
        p.part = (p.part + s.lanes - 1) / s.lanes * s.lanes;
        p.plane = spaced(p.part * c.stride_h * c.stride_w, s.lanes);
        p.sums_plane = spaced(Size(rows) * p.pitch + s.lanes, s.lanes);
        p.line = c.F > 1 ? aligned(Size(s.W_out) * c.F + s.lanes) : 0;
    } else {
        p.plane = spaced(Size(std::min(source_rows, c.H)) * c.W * p.images, s.lanes);
        p.sums_plane = spaced(Size(rows) * s.W_out * p.images, s.lanes);
    }
    p.sums_size = p.n_phases * p.fold * c.F * p.sums_plane;
    for (int k = 0; k < p.n_phases; ++k) p.phases[k].sums = k * p.fold * c.F * p.sums_plane;
    const Size most = planes_bytes / Size(sizeof(T)) / p.plane;
    if (most >= c.C) p.channels = c.C;
    else if (most >= 16) p.channels = int(std::min<Size>(c.C_group(), most / 16 * 16));
    else p.channels = std::min(c.C_group(), int(std::max<Size>(4, most / 4 * 4)));
    p.workspace = aligned(p.sums_size + p.line + p.channels * p.plane + 16 * s.lanes + 64);
}

template <class T> void choose_rows(Planes& p, const Sizes<T>& s) {
    const int width = p.images == 1 ? p.pitch : s.W_out * p.images;
    const Size sums_row = Size(p.n_phases) * p.fold * p.c().F * width * Size(sizeof(T));
    const Reach h = reach(p, 1, vertical);
    // in L1 where so few rows are no more than what they read beside
    const Size near = near_bytes / std::max<Size>(sums_row, 1);
    const Size far = std::max<Size>(3 * (h.end - h.begin - 1) / p.c().stride_h,
                                    ceil_div(places_wanted, width));
    int rows = int(std::clamp<Size>(std::max(near, far), 1, s.rows_out));
    rows = int(std::clamp<Size>(sums_bytes / std::max<Size>(sums_row, 1), 1, rows));
    rows = ceil_div(s.rows_out, ceil_div(s.rows_out, rows));
    set_rows<T>(p, s, rows);
}

// So many items that all threads have some. Each sum keeps its order; which way computes it
// was chosen before, without a look at the threads.
template <class T> void cut_for_threads(Planes& p, const Sizes<T>& s) {
    const int blocks = ceil_div(p.c().N, p.images);
    int rows = p.rows;
    while (rows > 2 && ceil_div(s.rows_out, rows) * Size(blocks) < 4 * n_threads())
        rows = (rows + 1) / 2;
    set_rows<T>(p, s, rows);
}

template <class T> void lanes_are_pixels(Planes& p, Sizes<T>& s) {
    const Correlation& c = p.c();
    p.images = 1, p.fold = 1, p.filters = 4;
    bool folds = c.F_group() == 1 && c.stride_h == 1 && s.rows_out > 2;
    for (int k = 0; k < p.n_phases; ++k) {
        const Correlation& own = p.phases[k].c;
        folds = folds && own.dilation_h == 1 && own.HH != 1 &&
                (own.HH + 1) * own.WW <= most_plane_taps;
    }
    if (folds) {
        p.fold = 2;
        for (int k = 0; k < p.n_phases; ++k) {
            Correlation& own = p.phases[k].c;
            own.stride_h = 2, own.H_out = (own.H_out + 1) / 2;
            if (own.HH) ++own.HH;
        }
        s.rows_out = (s.rows_out + 1) / 2;
    }
    const Reach w = reach(p, s.W_out, horizontal);
    p.left = w.begin, p.columns = std::max(w.end - w.begin, 1);
    p.pitch = ceil_div(p.columns, c.stride_w);
    if (c.stride_w == 1) p.pitch -= std::clamp(std::min(-w.begin, w.end - c.W), 0, p.pitch - 1);
    p.pitch = std::max(p.pitch, s.W_out);
    for (int k = 0; k < p.n_phases; ++k) {
        p.rows_read = std::max(p.rows_read, read_of_stride(vertical(p.phases[k].c)));
        p.columns_read = std::max(p.columns_read, read_of_stride(horizontal(p.phases[k].c)));
    }
    choose_rows<T>(p, s);
}

template <class T> void lanes_are_images(Planes& p, const Sizes<T>& s) {
    const Correlation& c = p.c();
    const int registers = ceil_div(c.N, s.lanes);
    p.fold = 1;
    // steps of the multipliers, which want eight sums that do not wait for each other
    double least = 0;
    for (int most : {4, 8})
        for (int m : {1, 2, 4}) {
            const int blocks = ceil_div(c.F_group(), most), filters = ceil_div(c.F_group(), blocks);
            if (m > kernels<T>().planes->registers(filters)) continue;
            const double steps = ceil_div(registers, m) * m * std::max(1.0, 8.0 / (filters * m)) *
                                 (1 + 0.3 / m + 0.1 / filters);
            if (least == 0 || steps < least)
                least = steps, p.filters = most, p.images = m * s.lanes;
        }
    p.left = p.columns = p.pitch = 0, p.part = p.line = 0;
    choose_rows<T>(p, s);
}

// --- what costs how much: cycles of one core, of the kernels as they were measured ---------

double taps_of(const Correlation& c) { return double(c.HH) * c.WW; }

// What goes to memory and back costs more, above all that of many images side by side.
struct Moves {
    double turned, written;  // of a number
};
template <class T> Moves moves(const Correlation& c, bool images) {
    const Size larger = std::max(Size(c.N) * c.H * c.W * c.C, Size(c.N) * c.out_image);
    const bool far = larger * Size(sizeof(T)) > larger_than_caches;
    if (images) return far ? Moves{5, 3.5} : Moves{1.5, 1.5};
    return far ? Moves{1.3, 1.25} : Moves{0.8, 0.8};
}

template <class T> double cost(const Planes& p, const Sizes<T>& s) {
    const Correlation& c = p.c();
    const bool pixels = p.images == 1;
    const int filters = ceil_div(c.F_group(), ceil_div(c.F_group(), p.filters));
    double products = 0, results = 0;
    const int m = p.images / s.lanes;
    for (int k = 0; k < p.n_phases; ++k) {
        const Correlation& own = p.phases[k].c;
        // registers that a short row does not fill cost as much as others
        const double written = pixels ? ceil_div(own.W_out, s.lanes) * s.lanes : own.W_out;
        results += double(own.N) * p.phases[k].rows * written * own.F;
        const double each = double(own.C_group()) * own.F;
        if (pixels) {
            const double registers = double(ceil_div(Size(own.H_out) * p.pitch, s.lanes)) * p.fold;
            products += own.N * registers * (own.HH ? own.HH + 1 - p.fold : 0) * own.WW * each;
        } else {
            const Size places = products_of(vertical(own), own.H) *
                                products_of(horizontal(own), own.W);
            products += double(ceil_div(own.N, p.images)) * m * places * each;
            // a tile begins for each pixel, block of channels and block of filters
            const double blocks = ceil_div(own.C_group(), std::min(p.channels, own.C_group()));
            results += 40.0 * ceil_div(own.N, p.images) * own.H_out * own.W_out * blocks *
                       own.groups * ceil_div(own.F_group(), filters);
        }
    }
    double pace = 0.85;  // of the multipliers
    if (pixels) {
        const int at_once = std::min(kernels<T>().planes->registers(filters),
                                     ceil_div(Size(p.rows) * p.pitch, s.lanes));
        pace = p.fold == 2 ? 0.6 : filters == 1 ? 0.45 : 0.85;
        pace *= std::min(1.0, at_once * filters * p.fold / 8.0);
    }
    else pace = 0.8 * std::min(1.0, filters * m / 8.0);
    const Moves move = moves<T>(c, !pixels);
    const double halo = double(reach(p, p.rows, vertical).end - reach(p, p.rows, vertical).begin) /
                        (p.rows * c.stride_h);
    const int columns = ceil_div(c.W, c.stride_w);
    const double turned = pixels ? ceil_div(columns, s.lanes) * s.lanes * p.columns_read : c.W;
    double source = double(c.N) * c.C * turned * std::min(s.rows_out * c.stride_h, c.H);
    if (pixels) source *= double(p.rows_read) / c.stride_h;
    return products / 2 / pace + source * std::max(1.0, halo) * move.turned +
           results * move.written;
}

// Of lanes of filters, or of channels: the least of the ways that compute it else.
template <class T> double cost_otherwise(const Correlation& c) {
    if (c.N == 0 || c.H_out == 0 || c.W_out == 0) return 0;
    const double pixels = double(c.N) * c.H_out * c.W_out;
    double least = grouped_cycles<T>(c);
    if (least == HUGE_VAL) least = direct_cycles<T>(c);
    // 1x1 windows at a stride leave pixels out
    const Size rows = std::min<Size>(c.H, Size(c.HH) * c.H_out);
    const Size source = c.N * rows * std::min<Size>(c.W, Size(c.WW) * c.W_out) * c.C;
    const bool far = source * Size(sizeof(T)) > larger_than_caches;
    return least + pixels * c.F * moves<T>(c, false).written / 2 + source * (far ? 1.0 : 0.25);
}

template <class T> class PlanesPlan {
  public:
    PlanesPlan(const PartOfConvolution* parts, int n_parts) {
        if (n_parts < 1 || n_parts > most_phases) return;
        const Correlation& c = parts[0].c;
        if (c.N <= 0 || c.C_group() < 1 || c.F_group() < 1 || c.H < 1 || c.W < 1) return;
        Planes p{};
        p.n_phases = n_parts;
        // registers of filters are nearly full, or more than a few
        const int lanes = kernels<T>().lanes, registers = ceil_div(c.F_group(), lanes);
        if (registers > 2 || 10 * c.F_group() > 9 * registers * lanes) return;
        if (c.groups > 1 && c.C_group() == 1 && c.F_group() == 1) return;  // depthwise
        bool empty = true;
        double taps = 0;
        for (int k = 0; k < n_parts; ++k) {
            taps += taps_of(parts[k].c);
            const Correlation& part = parts[k].c;
            if (taps_of(part) > most_plane_taps) return;
            if (!countable(vertical(part)) || !countable(horizontal(part))) return;
            if (part.H_out > 0 && part.W_out > 0) empty = false;
            p.phases[k] = {part, part.H_out, parts[k].out, w_size, 0};
            w_size += Size(part.F) * part.C_group() * part.HH * part.WW;
        }
        // one tap pays where lanes of filters have to leave pixels out
        const bool none_left_out =
            n_parts > 1 || c.groups > 1 || (c.stride_h == 1 && c.stride_w == 1);
        if (empty || (taps <= 1 && none_left_out) || Size(c.H) * c.W > most_pixels) return;
        Planes images = p;
        Sizes<T> by_pixels(p), by_images(p);
        lanes_are_pixels<T>(p, by_pixels);
        lanes_are_images<T>(images, by_images);
        cost_ = cost(p, by_pixels);
        const double other = cost(images, by_images);
        const bool side_by_side = other < cost_;
        plan = side_by_side ? images : p;
        sizes = side_by_side ? by_images : by_pixels;
        if (side_by_side) cost_ = other;
        possible = plan.workspace < most_numbers;
    }
    double cycles() const { return possible ? cost_ : HUGE_VAL; }

    bool possible = false;
    Planes plan;
    Sizes<T> sizes;
    Size w_size = 0;

  private:
    double cost_ = 0;
};

}  // namespace

template <class T> double planes_cycles(const PartOfConvolution* parts, int n_parts) {
    return PlanesPlan<T>(parts, n_parts).cycles();
}

template <class T>
bool correlate_by_planes(const PartOfConvolution* parts, int n_parts, const T* x, const T* w,
                         const Epilogue<T>& epilogue, Beyond beyond, T* out,
                         PackedFilters<T>* kept) {
    if (epilogue.addend && epilogue.relu.capped) return false;
    const PlanesPlan<T> found(parts, n_parts);
    if (!found.possible) return false;
    double rest = 0;
    for (int k = 0; k < n_parts; ++k) rest += cost_otherwise<T>(parts[k].c);
    if (found.cycles() > 0.95 * rest) return false;
    Planes p = found.plan;
    cut_for_threads<T>(p, found.sizes);
    const Size w_size = found.w_size;
    const Correlation& c = parts[0].c;

    const auto& kernel = *kernels<T>().planes;
    const Packing packing = p.filters == 4 ? Packing::planes4 : Packing::planes8;
    const FiltersOfCall<T> packed(kept, packing, w_size + 1, [&](T* to) {
        std::atomic<bool> finite{true};
        parallel_for(n_parts * c.groups, [&](int k, int) {
            const PartOfConvolution& part = parts[k / c.groups];
            T* const its = to + p.phases[k / c.groups].w;
            if (!kernel.pack(part.c, p.filters, w + part.w, part.steps, its, k % c.groups))
                finite = false;
        });
        to[w_size] = finite;
    });
    // pixels meet zeros beyond the source, images do not
    if ((beyond == Beyond::nothing) == (p.images == 1) && packed[w_size] == 0) return false;

    const Epilogue<T> own{epilogue.bias, epilogue.addend ? Relu<T>(false) : epilogue.relu,
                          p.images == 1 && p.line > 0 && n_parts == 1 &&
                              Size(c.N) * c.out_image * Size(sizeof(T)) >= larger_than_caches};
    const int row_blocks = ceil_div(found.sizes.rows_out, p.rows), blocks = ceil_div(c.N, p.images);
    const int threads = n_threads();
    Workspace space((p.workspace * threads + 64) * sizeof(T));
    const CorrelationArrays<T> arrays{x, packed, out, own};
    parallel_for(row_blocks * blocks, [&](int k, int worker) {
        const int n = k / row_blocks * p.images, i = k % row_blocks * p.rows;
        kernel.correlate(p, arrays, {n, std::min(n + p.images, c.N), i, i + p.rows, 0, 0},
                         space.as<T>() + worker * p.workspace);
    }, threads);
    if (epilogue.addend) {
        const auto join = epilogue.relu ? add_relu<T> : add<T>;
        join(out, epilogue.addend, out, Size(c.N) * c.H_out * c.W_out * c.F);
    }
    return true;
}

#define CNN_INSTANTIATE(T)                                                                     \
    template bool correlate_by_planes(const PartOfConvolution*, int, const T*, const T*,       \
                                      const Epilogue<T>&, Beyond, T*, PackedFilters<T>*);      \
    template double planes_cycles<T>(const PartOfConvolution*, int);
CNN_INSTANTIATE(float)
CNN_INSTANTIATE(double)

}  // namespace cnn
