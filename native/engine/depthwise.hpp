// Depthwise convolutions: as many groups as channels and filters.
#pragma once

#include "engine/partition.hpp"

namespace cnn {

template <class T> bool depthwise_fits(const Correlation&);

// False, and nothing done, where the filters are not finite: what they make of the border is
// the other ways' matter.
template <class T>
bool depthwise_correlation(Correlation, const T* x, const T* w, const FilterSteps&,
                           const Epilogue<T>&, T* out, PackedFilters<T>* kept);

// The same for the gradient towards x, of which each phase of the strides is a correlation:
// some rows of all phases together, while their lines are in the caches.
template <class T>
bool depthwise_input_gradient(const Conv2d&, const PartOfConvolution* phases, int n_phases,
                              const T* dout, const T* w, const T* b, T* dx,
                              PackedFilters<T>* kept);

// dw at the steps, and db, each where it is not null.
template <class T>
void depthwise_filter_gradient(const Correlation&, const T* x, const T* dout, const FilterSteps&,
                               T* dw, T* db);

}  // namespace cnn
