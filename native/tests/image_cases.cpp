// Pooling, borders, repetition and layouts against loops.
#include "tests/cases.hpp"

#include "engine/pool.hpp"
#include "engine/shape.hpp"

namespace cnn::tests {
namespace {

// f(pixel of x, place of the result, tap) for every tap that finds the image.
template <class F> void for_taps(const Pool2d& g, F f) {
    for (int n = 0; n < g.N; ++n)
        for (int i = 0; i < g.H_out; ++i)
            for (int j = 0; j < g.W_out; ++j)
                for (int u = 0; u < g.HH; ++u)
                    for (int v = 0; v < g.WW; ++v) {
                        const int h = i * g.stride_h + u - g.padding_h;
                        const int w = j * g.stride_w + v - g.padding_w;
                        if (h < 0 || h >= g.H || w < 0 || w >= g.W) continue;
                        f((Size(n) * g.H + h) * g.W + w, (Size(n) * g.H_out + i) * g.W_out + j,
                          u * g.WW + v);
                    }
}

template <class T, class Index> void largest(Record& record, Hand& hand, const Pool2d& g) {
    const Size n = Size(g.N) * g.H * g.W * g.C, n_out = Size(g.N) * g.H_out * g.W_out * g.C;
    auto x = hand.numbers<T>(n);
    for (T& number : x)
        if (hand.integer(0, 3) == 0) number = T(0.5);  // equal ones: the first wins
    if (n > 5) x[n / 3] = std::numeric_limits<T>::quiet_NaN();
    const auto dout = hand.numbers<T>(n_out);
    std::vector<int> tap_of(n_out, -1);
    Exact out(n_out), dx(n), which(n_out);
    for_taps(g, [&](Size pixel, Size place, int tap) {
        for (int c = 0; c < g.C; ++c) {
            const double value = x[pixel * g.C + c], best = out.value[place * g.C + c];
            int& won = tap_of[place * g.C + c];
            if (won >= 0 && (std::isnan(best) || !(value > best || std::isnan(value)))) continue;
            out.set(place * g.C + c, value, 0), won = tap;
        }
    });
    for_taps(g, [&](Size pixel, Size place, int tap) {
        for (int c = 0; c < g.C; ++c)
            if (tap_of[place * g.C + c] == tap) dx.add(pixel * g.C + c, dout[place * g.C + c]);
    });
    std::vector<T> got_out(n_out), got_dx(n), got_taps(n_out);
    std::vector<Index> got_which(n_out);
    max_pool2d_forward<T, Index>(g, {x.data(), nullptr, nullptr, false}, got_out.data(), got_which.data());
    max_pool2d_backward<T, Index>(g, dout.data(), got_which.data(), got_dx.data());
    for (Size k = 0; k < n_out; ++k) which.set(k, tap_of[k], 0), got_taps[k] = got_which[k];
    record.hold("max_pool2d forward", 0, out, got_out);
    record.hold("max_pool2d which", 0, which, got_taps);
    record.hold("max_pool2d backward", 8, dx, got_dx);
}

template <class T> void means(Record& record, Hand& hand, const Pool2d& g) {
    const Size n = Size(g.N) * g.H * g.W * g.C, n_out = Size(g.N) * g.H_out * g.W_out * g.C;
    const auto x = hand.numbers<T>(n), dout = hand.numbers<T>(n_out);
    Exact out(n_out), dx(n);
    std::vector<int> taps(n_out / g.C);
    for_taps(g, [&](Size, Size place, int) { ++taps[place]; });
    for_taps(g, [&](Size pixel, Size place, int) {
        const double size = g.count_include_pad ? g.HH * g.WW : taps[place];
        for (int c = 0; c < g.C; ++c) {
            out.add(place * g.C + c, x[pixel * g.C + c] / size);
            dx.add(pixel * g.C + c, dout[place * g.C + c] / size);
        }
    });
    std::vector<T> got_out(n_out), got_dx(n);
    avg_pool2d_forward<T>(g, x.data(), got_out.data());
    avg_pool2d_backward<T>(g, dout.data(), got_dx.data());
    record.hold("avg_pool2d forward", 8, out, got_out);
    record.hold("avg_pool2d backward", 8, dx, got_dx);

    const int pixels = g.H * g.W;
    const auto d = hand.numbers<T>(Size(g.N) * g.C);
    Exact mean(d.size()), repeated(n);
    for (Size k = 0; k < n; ++k) {
        const Size at = k / (Size(pixels) * g.C) * g.C + k % g.C;
        mean.add(at, double(x[k]) / pixels);
        repeated.set(k, d[at] / T(pixels), 0);
    }
    std::vector<T> got_mean(d.size()), got_repeated(n);
    channel_means<T>(g.N, pixels, g.C, x.data(), got_mean.data());
    channel_means_backward<T>(g.N, pixels, g.C, d.data(), got_repeated.data());
    record.hold("global_avg_pool2d forward", 8, mean, got_mean);
    record.hold("global_avg_pool2d backward", 0, repeated, got_repeated);
}

Pool2d draw(Hand& hand, int largest_window) {
    Pool2d g{};
    g.N = hand.choice({1, 2, 3}), g.C = channels(hand);
    g.HH = hand.choice({1, 2, 3, largest_window}), g.WW = hand.choice({1, 2, 3, largest_window});
    g.stride_h = hand.choice({1, 2, 3}), g.stride_w = hand.choice({1, 2, 3});
    g.padding_h = hand.integer(0, g.HH / 2), g.padding_w = hand.integer(0, g.WW / 2);
    g.H = std::max(1, g.HH - 2 * g.padding_h) + hand.integer(0, 9);
    g.W = std::max(1, g.WW - 2 * g.padding_w) + hand.integer(0, 9);
    g.H_out = 1 + (g.H + 2 * g.padding_h - g.HH) / g.stride_h;
    g.W_out = 1 + (g.W + 2 * g.padding_w - g.WW) / g.stride_w;
    g.count_include_pad = hand.integer(0, 1);
    return g;
}

// An axis with its border: where each place is copied from, or -1.
std::vector<int> sources(int size, int before, int after, Border border) {
    std::vector<int> from;
    for (int k = -before; k < size + after; ++k) {
        int source = k;
        if (k < 0 || k >= size) {
            if (border == Border::constant) source = -1;
            if (border == Border::replicate) source = k < 0 ? 0 : size - 1;
            if (border == Border::circular) source = ((k % size) + size) % size;
            if (border == Border::reflect) source = k < 0 ? -k : 2 * (size - 1) - k;
        }
        from.push_back(source);
    }
    return from;
}

// Images made of an image's rows and columns, both passes.
template <class T, class Forward, class Backward>
void remapped(Record& record, Hand& hand, const std::string& name, const Images& g,
              const std::vector<int>& rows, const std::vector<int>& columns, T value,
              Forward forward, Backward backward) {
    const Size n = Size(g.N) * g.H * g.W * g.C;
    const Size n_out = Size(g.N) * rows.size() * columns.size() * g.C;
    const auto x = hand.numbers<T>(n), dout = hand.numbers<T>(n_out);
    Exact out(n_out), dx(n);
    Size place = 0;
    for (int i = 0; i < g.N; ++i)
        for (int row : rows)
            for (int column : columns)
                for (int c = 0; c < g.C; ++c, ++place) {
                    const Size at = ((Size(i) * g.H + row) * g.W + column) * g.C + c;
                    const bool inside = row >= 0 && column >= 0;
                    out.set(place, inside ? x[at] : value, 0);
                    if (inside) dx.add(at, dout[place]);
                }
    std::vector<T> got_out(n_out), got_dx(n);
    forward(x.data(), got_out.data());
    backward(dout.data(), got_dx.data());
    record.hold(name + " forward", 0, out, got_out);
    record.hold(name + " backward", 8, dx, got_dx);
}

template <class T> void shapes(Record& record, Hand& hand) {
    const Images g{hand.choice({1, 2}), hand.integer(3, 9), hand.integer(3, 9), channels(hand)};
    for (Border border : {Border::constant, Border::reflect, Border::replicate, Border::circular}) {
        const Padding p{hand.integer(0, 2), hand.integer(0, 2), hand.integer(0, 2),
                        hand.integer(0, 2), border};
        remapped<T>(
            record, hand, "pad2d", g, sources(g.H, p.top, p.bottom, border),
            sources(g.W, p.left, p.right, border), T(0.75),
            [&](const T* x, T* out) { pad2d_forward<T>(g, p, x, T(0.75), out); },
            [&](const T* dout, T* dx) { pad2d_backward<T>(g, p, dout, dx); });
    }
    const int scale_h = hand.integer(1, 3), scale_w = hand.integer(1, 3);
    std::vector<int> rows, columns;
    for (int k = 0; k < g.H * scale_h; ++k) rows.push_back(k / scale_h);
    for (int k = 0; k < g.W * scale_w; ++k) columns.push_back(k / scale_w);
    remapped<T>(
        record, hand, "upsample_nearest2d", g, rows, columns, T(0),
        [&](const T* x, T* out) { upsample_forward<T>(g, scale_h, scale_w, x, out); },
        [&](const T* dout, T* dx) { upsample_backward<T>(g, scale_h, scale_w, dout, dx); });

    const Size N = 2, R = channels(hand), more = hand.choice({0, 0, 300});
    const Size C = channels(hand) + more;
    const auto x = hand.numbers<T>(N * R * C);
    Exact turned(x.size());
    for (Size n = 0; n < N; ++n)
        for (Size r = 0; r < R; ++r)
            for (Size c = 0; c < C; ++c) turned.set((n * C + c) * R + r, x[(n * R + r) * C + c], 0);
    std::vector<T> got(x.size());
    transpose<T>(N, R, C, x.data(), got.data());
    record.hold("change of layout", 0, turned, got);

    Exact beside(R * (C + 3));
    std::vector<T> got_beside(R * (C + 3));
    for (Size r = 0; r < R; ++r)
        for (Size c = 0; c < C; ++c) beside.set(r * (C + 3) + c + 2, x[r * C + c], 0);
    copy_rows<T>(R, C, x.data(), C, got_beside.data() + 2, C + 3);
    record.hold("concat", 0, beside, got_beside);
}

}  // namespace

template <class T> void image_cases(Record& record) {
    for (int k = 0; k < 40; ++k) {
        Hand hand(9000 + k);
        largest<T, std::uint8_t>(record, hand, draw(hand, 5));
        largest<T, std::int32_t>(record, hand, draw(hand, 17));
        means<T>(record, hand, draw(hand, 5));
        shapes<T>(record, hand);
    }
}

template void image_cases<float>(Record&);
template void image_cases<double>(Record&);

}  // namespace cnn::tests
