// Convolutions with 1×1 windows of few channels, in groups or not.
#pragma once

#include "engine/geometry.hpp"

namespace cnn {

// Where it is one of these.
template <class T> bool pointwise_fits(const Correlation&);

// False, and nothing done, where it is not.
template <class T>
bool pointwise_correlation(const Correlation&, const T* x, const T* w, const FilterSteps&,
                           const Epilogue<T>&, T* out, PackedFilters<T>* kept);

}  // namespace cnn
