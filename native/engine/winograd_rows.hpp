// Convolutions by Winograd's minimal filtering along the rows.
#pragma once

#include "engine/geometry.hpp"

namespace cnn {

// Where it computes a pass, the gradient towards x at stride 1, and pays.
bool winograd_rows_pay(const Conv2d&, Pass);
// Of one core, about.
double winograd_rows_cycles(const Correlation&);

void winograd_rows_forward(const Conv2d&, const float* x, const float* w, const float* b,
                           Relu<float> relu, float* out, PackedFilters<float>* kept);

// At stride 1.
void winograd_rows_input_gradient(const Conv2d&, const float* dout, const float* w, const float* b,
                                  float* dx, PackedFilters<float>* kept = nullptr);

}  // namespace cnn
