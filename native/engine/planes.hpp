// Convolutions of few filters, or few of a group, with pixels or images as lanes.
#pragma once

#include "engine/partition.hpp"

namespace cnn {

// All parts, which read one source: those of a strided gradient, or one. False, and nothing
// done, where others are quicker, or where filters that are not finite meet the border as
// they must not.
template <class T>
bool correlate_by_planes(const PartOfConvolution* parts, int n_parts, const T* x, const T* w,
                         const Epilogue<T>&, Beyond, T* out, PackedFilters<T>* kept);

// About, of one core; infinite where it cannot be.
template <class T> double planes_cycles(const PartOfConvolution* parts, int n_parts);

}  // namespace cnn
