// Convolutions and matrix products against loops.
#include "tests/cases.hpp"

#include "engine/conv2d.hpp"
#include "engine/linear.hpp"
#include "engine/winograd_rows.hpp"

namespace cnn::tests {
namespace {

// f(index of x, of w, of out) for every product of a convolution.
template <class F> void for_products(const Conv2d& g, F f) {
    const int C_group = g.C / g.groups, F_group = g.F / g.groups;
    for (int n = 0; n < g.N; ++n)
        for (int i = 0; i < g.H_out; ++i)
            for (int j = 0; j < g.W_out; ++j)
                for (int u = 0; u < g.HH; ++u)
                    for (int v = 0; v < g.WW; ++v) {
                        const int h = i * g.stride_h + u * g.dilation_h - g.padding_h;
                        const int w = j * g.stride_w + v * g.dilation_w - g.padding_w;
                        if (h < 0 || h >= g.H || w < 0 || w >= g.W) continue;
                        const Size pixel = (Size(n) * g.H + h) * g.W + w;
                        const Size place = (Size(n) * g.H_out + i) * g.W_out + j;
                        for (int k = 0; k < g.F; ++k)
                            for (int c = 0; c < C_group; ++c)
                                f(pixel * g.C + k / F_group * C_group + c,
                                  ((Size(k) * C_group + c) * g.HH + u) * g.WW + v,
                                  place * g.F + k);
                    }
}

template <class T> struct Arrays {
    std::vector<T> x, w, b_out, b_in, dout;
    Arrays(Hand& hand, const Conv2d& g)
        : x(hand.numbers<T>(Size(g.N) * g.H * g.W * g.C)),
          w(hand.numbers<T>(Size(g.F) * (g.C / g.groups) * g.HH * g.WW)),
          b_out(hand.numbers<T>(g.F)), b_in(hand.numbers<T>(g.C)),
          dout(hand.numbers<T>(Size(g.N) * g.H_out * g.W_out * g.F)) {}
};

// All three passes, with and without what they may have beside.
template <class T>
void all_passes(Record& record, Hand& hand, const std::string& name, double allowed,
                const Conv2d& g, Algorithm algorithm, const Arrays<T>& a) {
    const bool bias = hand.integer(0, 1), relu = hand.integer(0, 1), low = hand.integer(0, 1);
    const Relu<T> cut{relu, low ? T(0.5) : Relu<T>::no_ceiling};
    const bool tiles = algorithm == Algorithm::winograd;
    Exact out(a.dout.size()), dx(a.x.size()), dw(a.w.size()), db(a.b_out.size());
    for_products(g, [&](Size x, Size w, Size y) {
        out.add(y, double(a.x[x]) * a.w[w]);
        dx.add(x, double(a.dout[y]) * a.w[w]);
        dw.add(w, double(a.dout[y]) * a.x[x]);
    });
    for (Size k = 0; k < Size(a.dout.size()); ++k) {
        db.add(k % g.F, a.dout[k]);
        if (bias) out.add(k, a.b_out[k % g.F]);
        if (relu) out.cut_off_below_zero(k);
        if (relu && low) out.cut_off_above(k, 0.5);
    }
    if (bias)
        for (Size k = 0; k < Size(a.x.size()); ++k) dx.add(k, a.b_in[k % g.C]);

    std::vector<T> got_out(a.dout.size()), got_dx(a.x.size()), got_dw(a.w.size()), got_db(g.F);
    conv2d_forward<T>(g, algorithm, a.x.data(), a.w.data(), bias ? a.b_out.data() : nullptr, cut,
                      got_out.data());
    conv2d_input_gradient<T>(g, algorithm, a.dout.data(), a.w.data(),
                             bias ? a.b_in.data() : nullptr, nullptr, got_dx.data());
    conv2d_filter_gradient<T>(g, algorithm, a.x.data(), a.dout.data(), got_dw.data(),
                              got_db.data());
    record.hold(name + " forward", allowed, tiles ? out.spread() : out, got_out);
    record.hold(name + " dx", allowed, tiles ? dx.spread() : dx, got_dx);
    record.hold(name + " dw", allowed, tiles ? dw.spread() : dw, got_dw);
    record.hold(name + " db", 8, db, got_db);
}

int places(int size, int window, int stride, int padding, int dilation) {
    return 1 + (size + 2 * padding - dilation * (window - 1) - 1) / stride;
}

// Sizes that the window fits, with every option.
Conv2d draw(Hand& hand, int C, int F, int groups) {
    Conv2d g{};
    g.N = hand.choice({1, 2, 3}), g.C = C, g.F = F, g.groups = groups;
    g.HH = hand.choice({1, 2, 3, 3, 5}), g.WW = hand.choice({1, 2, 3, 3, 4});
    g.stride_h = hand.choice({1, 1, 2, 3}), g.stride_w = hand.choice({1, 1, 2, 3});
    g.padding_h = hand.integer(0, 2), g.padding_w = hand.integer(0, 2);
    g.dilation_h = hand.choice({1, 1, 2}), g.dilation_w = hand.choice({1, 1, 2});
    const int reach_h = (g.HH - 1) * g.dilation_h + 1, reach_w = (g.WW - 1) * g.dilation_w + 1;
    g.H = std::max(1, reach_h - 2 * g.padding_h) + hand.integer(0, 8);
    g.W = std::max(1, reach_w - 2 * g.padding_w) + hand.integer(0, 16);
    g.H_out = places(g.H, g.HH, g.stride_h, g.padding_h, g.dilation_h);
    g.W_out = places(g.W, g.WW, g.stride_w, g.padding_w, g.dilation_w);
    return g;
}

Conv2d tiles(int N, int C, int F, int H, int W, int padding_h, int padding_w) {
    return {N, C, H, W, F, 3, 3, 1, 1, padding_h, padding_w, 1, 1, 1, H + 2 * padding_h - 2,
            W + 2 * padding_w - 2};
}

template <class T> void direct(Record& record) {
    for (int k = 0; k < 60; ++k) {
        Hand hand(1000 + k);
        const int C = channels(hand), F = channels(hand);
        const Conv2d g = draw(hand, C, F, 1);
        all_passes<T>(record, hand, "conv2d direct", 8, g, Algorithm::direct, Arrays<T>(hand, g));
    }
    Hand hand(1999);
    for (const Conv2d& g : {
             // many pixels under 1×1 filters, which are seen as one long row
             Conv2d{3, 9, 13, 17, 5, 1, 1, 1, 1, 0, 0, 1, 1, 1, 13, 17},
             // a window of nearly as many taps as planes take
             Conv2d{2, 3, 14, 13, 1, 11, 11, 1, 1, 5, 5, 1, 1, 1, 14, 13},
         })
        all_passes<T>(record, hand, "conv2d direct", 8, g, Algorithm::direct, Arrays<T>(hand, g));
}

template <class T> void grouped(Record& record) {
    for (int k = 0; k < 60; ++k) {
        Hand hand(2000 + k);
        const int C_group = hand.choice({1, 1, 2, 3, 4, 5, 9});
        const int groups = hand.choice({2, 3, 4, 5, 9, 17});
        const int F_group = k % 3 ? C_group : hand.choice({1, 2, 3, 4, 7});
        const Conv2d g = draw(hand, C_group * groups, F_group * groups, groups);
        all_passes<T>(record, hand, "conv2d grouped", 8, g, Algorithm::direct,
                      Arrays<T>(hand, g));
    }
    for (int k = 0; k < 30; ++k) {  // many filters, and maps so small that several share a block
        Hand hand(2050 + k);
        const int C_group = hand.choice({1, 3, 9, 20}), F_group = hand.choice({1, 5, 21, 40});
        const int groups = hand.choice({1, 2, 3});
        Conv2d g = draw(hand, C_group * groups, F_group * groups, groups);
        g.N = hand.choice({7, 20});
        all_passes<T>(record, hand, "conv2d grouped, many filters", 8, g, Algorithm::direct,
                      Arrays<T>(hand, g));
    }
    for (int k = 0; k < 60; ++k) {  // depthwise: less than a register, and more than one
        Hand hand(2100 + k);
        const int groups = hand.choice({1, 3, 4, 7, 13, 16, 17, 21, 40});
        const Conv2d g = draw(hand, groups, groups, groups);
        all_passes<T>(record, hand, "conv2d depthwise", 8, g, Algorithm::direct,
                      Arrays<T>(hand, g));
    }
    for (int k = 0; k < 40; ++k) {  // many channels for few filters
        Hand hand(2200 + k);
        const int C_group = hand.choice({2, 5, 17, 40}), groups = hand.choice({1, 2, 3, 9});
        const int F_group = hand.choice({1, 1, 2});
        Conv2d g = draw(hand, C_group * groups, F_group * groups, groups);
        g.HH = g.WW = 7;
        g.H = std::max(g.H, 6 * g.dilation_h + 1), g.W = std::max(g.W, 6 * g.dilation_w + 1);
        g.H_out = places(g.H, g.HH, g.stride_h, g.padding_h, g.dilation_h);
        g.W_out = places(g.W, g.WW, g.stride_w, g.padding_w, g.dilation_w);
        all_passes<T>(record, hand, "conv2d grouped, many channels", 8, g, Algorithm::direct,
                      Arrays<T>(hand, g));
    }
}

template <class T> void pointwise(Record& record) {
    for (int k = 0; k < 80; ++k) {
        Hand hand(2300 + k);
        const int C_group = hand.integer(1, 8), groups = hand.choice({1, 1, 1, 2, 3, 9});
        const int F_group = k % 2 ? hand.integer(1, 5) : channels(hand);
        const int stride = hand.choice({1, 1, 2, 3});
        Conv2d g = draw(hand, C_group * groups, F_group * groups, groups);
        g.HH = g.WW = 1, g.padding_h = g.padding_w = 0, g.stride_h = g.stride_w = stride;
        g.H_out = places(g.H, 1, stride, 0, 1), g.W_out = places(g.W, 1, stride, 0, 1);
        all_passes<T>(record, hand, "conv2d pointwise", 8, g, Algorithm::direct,
                      Arrays<T>(hand, g));
    }
    // a result larger than the caches, of pixels that are no whole lines
    Hand hand(2399);
    const Conv2d g{1, 2, 330, 301, 67, 1, 1, 1, 1, 0, 0, 1, 1, 1, 330, 301};
    all_passes<T>(record, hand, "conv2d pointwise", 8, g, Algorithm::direct, Arrays<T>(hand, g));
}

template <class T> void winograd(Record& record) {
    for (int k = 0; k < 40; ++k) {
        Hand hand(3000 + k);
        const int padding_h = hand.integer(0, 3), padding_w = hand.integer(0, 3);
        const int N = hand.choice({1, 2, 5}), C = channels(hand), F = channels(hand);
        const int H = std::max(1, 3 - 2 * padding_h) + hand.integer(0, 9);
        const int W = std::max(1, 3 - 2 * padding_w) + hand.integer(0, 9);
        const Conv2d g = tiles(N, C, F, H, W, padding_h, padding_w);
        all_passes<T>(record, hand, "conv2d winograd", 128, g, Algorithm::winograd,
                      Arrays<T>(hand, g));
    }
    // many channels, whose gradient is summed panel by panel; many tiles, which come in blocks
    Hand hand(3999);
    for (const Conv2d& g : {tiles(1, 128, 130, 6, 5, 1, 1), tiles(2, 96, 96, 7, 6, 1, 1),
                            tiles(2, 5, 7, 70, 65, 1, 1)})
        all_passes<T>(record, hand, "conv2d winograd", 128, g, Algorithm::winograd,
                      Arrays<T>(hand, g));
}

// Any window from 3 to 7 strides wide, and back from those of stride 1.
void winograd_rows(Record& record) {
    for (int k = 0; k < 80; ++k) {
        Hand hand(6000 + k);
        const int groups = k % 4 == 3 ? hand.choice({2, 3}) : 1;
        // in this order everywhere
        const int C = k % 6 ? channels(hand) : 1, F = channels(hand);
        Conv2d g = draw(hand, groups * C, groups * F, groups);
        if (k % 2) g.stride_h = g.stride_w = 1;
        g.dilation_h = g.dilation_w = 1;
        g.WW = hand.integer(2 * g.stride_w + 1, 7 * g.stride_w);
        g.W = std::max(1, g.WW - 2 * g.padding_w) + hand.integer(0, 40);
        g.H_out = places(g.H, g.HH, g.stride_h, g.padding_h, 1);
        g.W_out = places(g.W, g.WW, g.stride_w, g.padding_w, 1);
        const Arrays<float> a(hand, g);
        const bool bias = hand.integer(0, 1), relu = hand.integer(0, 1);
        Exact out(a.dout.size()), dx(a.x.size());
        for_products(g, [&](Size x, Size w, Size y) {
            out.add(y, double(a.x[x]) * a.w[w]);
            dx.add(x, double(a.dout[y]) * a.w[w]);
        });
        for (Size k = 0; k < Size(a.dout.size()); ++k) {
            if (bias) out.add(k, a.b_out[k % g.F]);
            if (relu) out.cut_off_below_zero(k);
        }
        std::vector<float> got(a.dout.size()), got_dx(a.x.size());
        winograd_rows_forward(g, a.x.data(), a.w.data(), bias ? a.b_out.data() : nullptr, relu,
                              got.data(), nullptr);
        record.hold("conv2d winograd along rows", 128, out.spread(), got);
        if (g.stride_h != 1 || g.stride_w != 1) continue;
        winograd_rows_input_gradient(g, a.dout.data(), a.w.data(), nullptr, got_dx.data());
        record.hold("conv2d winograd along rows dx", 128, dx.spread(), got_dx);
    }
}

// 0·inf is not 0: the border must not meet such filters on the way back.
template <class T> void not_finite(Record& record) {
    for (int k = 0; k < 10; ++k) {
        Hand hand(4000 + k);
        const int groups = hand.choice({1, 3});
        const Conv2d g = draw(hand, groups * 3, groups * 3, groups);
        Arrays<T> a(hand, g);
        a.w[hand.integer(0, static_cast<int>(a.w.size()) - 1)] = std::numeric_limits<T>::infinity();
        Exact dx(a.x.size());
        for_products(g, [&](Size x, Size w, Size y) { dx.add(x, double(a.dout[y]) * a.w[w]); });
        std::vector<T> got(a.x.size());
        conv2d_input_gradient<T>(g, Algorithm::direct, a.dout.data(), a.w.data(), nullptr, nullptr,
                                 got.data());
        record.hold("conv2d dx, filters not finite", 8, dx, got);
    }
}

template <class T> void matrices(Record& record) {
    for (int k = 0; k < 40; ++k) {
        Hand hand(5000 + k);
        const Linear l{k ? hand.choice({1, 2, 7, 33, 70}) : 300, channels(hand), channels(hand)};
        const bool bias = hand.integer(0, 1), relu = hand.integer(0, 1);
        const auto x = hand.numbers<T>(Size(l.N) * l.D), w = hand.numbers<T>(Size(l.M) * l.D);
        const auto b = hand.numbers<T>(l.M), dout = hand.numbers<T>(Size(l.N) * l.M);
        Exact out(dout.size()), dx(x.size()), dw(w.size()), db(l.M);
        for (Size n = 0; n < l.N; ++n)
            for (Size m = 0; m < l.M; ++m) {
                for (Size d = 0; d < l.D; ++d) {
                    out.add(n * l.M + m, double(x[n * l.D + d]) * w[m * l.D + d]);
                    dx.add(n * l.D + d, double(dout[n * l.M + m]) * w[m * l.D + d]);
                    dw.add(m * l.D + d, double(dout[n * l.M + m]) * x[n * l.D + d]);
                }
                db.add(m, dout[n * l.M + m]);
                if (bias) out.add(n * l.M + m, b[m]);
                if (relu) out.cut_off_below_zero(n * l.M + m);
            }
        std::vector<T> got_out(dout.size()), got_dx(x.size()), got_dw(w.size()), got_db(l.M);
        linear_forward<T>(l, x.data(), w.data(), bias ? b.data() : nullptr, relu, got_out.data());
        linear_input_gradient<T>(l, dout.data(), w.data(), got_dx.data());
        linear_parameter_gradients<T>(l, x.data(), dout.data(), got_dw.data(), got_db.data());
        record.hold("linear forward", 8, out, got_out);
        record.hold("linear dx", 8, dx, got_dx);
        record.hold("linear dw", 8, dw, got_dw);
        record.hold("linear db", 8, db, got_db);
    }
}

}  // namespace

template <class T> void conv_cases(Record& record) {
    direct<T>(record);
    grouped<T>(record);
    pointwise<T>(record);
    winograd<T>(record);
    if constexpr (sizeof(T) == 4) winograd_rows(record);
    not_finite<T>(record);
    matrices<T>(record);
}

template void conv_cases<float>(Record&);
template void conv_cases<double>(Record&);

}  // namespace cnn::tests
