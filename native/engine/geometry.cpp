// conv2d's geometry.
#include "engine/geometry.hpp"

namespace cnn {

Correlation forward_correlation(const Conv2d& g) {
    Correlation c{};
    c.N = g.N, c.H = g.H, c.W = g.W, c.C = g.C;
    c.H_out = g.H_out, c.W_out = g.W_out, c.F = g.F;
    c.HH = g.HH, c.WW = g.WW;
    c.stride_h = g.stride_h, c.stride_w = g.stride_w;
    c.pad_top = g.padding_h, c.pad_left = g.padding_w;
    c.dilation_h = g.dilation_h, c.dilation_w = g.dilation_w;
    c.groups = g.groups;
    c.out_pixel = g.F, c.out_row = Size(g.W_out) * g.F, c.out_image = g.H_out * c.out_row;
    return c;
}

Correlation gradient_correlation(const Conv2d& g) {
    Correlation c{};
    c.N = g.N, c.H = g.H_out, c.W = g.W_out, c.C = g.F;
    c.H_out = g.H, c.W_out = g.W, c.F = g.C;
    c.HH = g.HH, c.WW = g.WW;
    c.stride_h = c.stride_w = 1;
    c.dilation_h = g.dilation_h, c.dilation_w = g.dilation_w;
    c.pad_top = (g.HH - 1) * g.dilation_h - g.padding_h;
    c.pad_left = (g.WW - 1) * g.dilation_w - g.padding_w;
    c.groups = g.groups;
    c.out_pixel = g.C, c.out_row = Size(g.W) * g.C, c.out_image = g.H * c.out_row;
    return c;
}

FilterSteps forward_steps(const Conv2d& g) {
    const Size tap = Size(g.HH) * g.WW, filter = tap * (g.C / g.groups);
    return {g.F / g.groups * filter, filter, tap, g.WW, 1};
}

void flatten_pixels(Correlation& c, int pixels_a_row) {
    const bool every_pixel = c.HH == 1 && c.WW == 1 && c.stride_h == 1 && c.stride_w == 1 &&
                             c.pad_top == 0 && c.pad_left == 0 && c.H == c.H_out &&
                             c.W == c.W_out && c.out_pixel == c.F && c.out_row == Size(c.W) * c.F;
    const Size pixels = Size(c.N) * c.H * c.W;
    if (!every_pixel || pixels == 0) return;
    c.N = ceil_div(pixels, pixels_a_row);
    c.H = c.H_out = 1;
    c.W = c.W_out = pixels_a_row;
    c.W_last = static_cast<int>(pixels - Size(c.N - 1) * pixels_a_row);
    c.out_row = c.out_image = Size(pixels_a_row) * c.F;
}

}  // namespace cnn
