// From an op's options to what the kernels are told.
#pragma once

#include <cstddef>

#include "dispatch/dispatch.hpp"
#include "engine/conv2d.hpp"

namespace cnn {

using Size = std::ptrdiff_t;

// static: engine/items.hpp has one that returns Size, and the linker would keep one of the two
static inline int ceil_div(Size a, Size b) { return static_cast<int>((a + b - 1) / b); }
inline Size aligned(Size n) { return (n + 63) / 64 * 64; }

// conv2d forward as a correlation, and how its filters lie in NumPy's array.
Correlation forward_correlation(const Conv2d&);
FilterSteps forward_steps(const Conv2d&);
// The gradient towards x at stride 1: a correlation of dout with the filters turned round.
Correlation gradient_correlation(const Conv2d&);

// A correlation, its filters' steps, where its filters and its result begin, and which of the
// packed filters are its own: of a strided gradient there are several, of one array each.
struct PartOfConvolution {
    Correlation c;
    FilterSteps steps;
    Size w, out;
    int slot;
};

// A 1×1 window at every pixel: the images are one long row of pixels, cut into pieces.
void flatten_pixels(Correlation&, int pixels_a_row);

template <class T> inline Panels panels_of(const Correlation& c) {
    const auto& k = kernels<T>();
    Panels p{};
    p.narrow = k.lanes;
    p.wide = k.lanes * k.tile_vectors;
    p.count = ceil_div(c.F_group(), p.wide);
    p.last = c.F_group() - (p.count - 1) * p.wide <= p.narrow ? p.narrow : p.wide;
    p.depth = Size(c.HH) * c.WW * c.C_group();
    return p;
}

// dw at the given steps, and db, each where it is not null.
template <class T>
void filter_gradient(Correlation c, const T* x, const T* dout, const FilterSteps& steps, T* dw,
                     T* db);

}  // namespace cnn
