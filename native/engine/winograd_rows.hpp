// Convolutions by Winograd's minimal filtering along the rows.
#pragma once

#include "engine/conv2d.hpp"

namespace cnn {

// Where it computes a forward pass, and pays.
bool winograd_rows_pay(const Conv2d&);
// Of one core, about.
double winograd_rows_cycles(const Conv2d&);

void winograd_rows_forward(const Conv2d&, const float* x, const float* w, const float* b,
                           Relu<float> relu, float* out, PackedFilters<float>* kept);

}  // namespace cnn
