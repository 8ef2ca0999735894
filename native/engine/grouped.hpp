// Convolutions whose groups have fewer filters than a register has lanes.
#pragma once

#include "engine/partition.hpp"

namespace cnn {

template <class T> bool grouped_correlation_fits(const Correlation&);
// About, of one core; infinite where it does not fit.
template <class T> double grouped_cycles(const Correlation&);
// The same of lanes of filters of one group.
template <class T> double direct_cycles(const Correlation&);

// Of registers, for a pixel and a row of the window; 0 where there is no such kernel.
template <class T> Size grouped_filter_gradient_products(const Correlation&);

// False, and nothing done, where the filters are not finite and must not meet the border.
template <class T>
bool grouped_correlation(const Correlation&, const T* x, const T* w, const FilterSteps&,
                         const Epilogue<T>&, Beyond, T* out, PackedFilters<T>* kept);

template <class T>
void grouped_filter_gradient(const Correlation&, const T* x, const T* dout, const FilterSteps&,
                             T* dw, T* db);

}  // namespace cnn
