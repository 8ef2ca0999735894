// Programs: steps as they are recorded, and how they share memory.
#include "engine/program.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "engine/elementwise.hpp"
#include "engine/geometry.hpp"
#include "engine/norm.hpp"
#include "engine/pool.hpp"
#include "memory/blocks.hpp"

namespace cnn {
namespace {

Size pooled_numbers(const Pool2d& g) { return Size(g.N) * g.H_out * g.W_out * g.C; }

// Pieces of one block, each free or held by a value; the lowest that fits is taken, so that
// few lines are touched.
class Arena {
  public:
    Size take(Size size) {
        Size at = 0;
        auto before = held_.begin();
        for (; before != held_.end() && before->first - at < size; ++before)
            at = before->first + before->second;
        held_.insert(before, {at, size});
        end_ = std::max(end_, at + size);
        return at;
    }
    void give(Size at) {
        held_.erase(std::find_if(held_.begin(), held_.end(),
                                 [&](const auto& piece) { return piece.first == at; }));
    }
    Size end() const { return end_; }

  private:
    std::vector<std::pair<Size, Size>> held_;  // begin and size, in their order
    Size end_ = 0;
};

}  // namespace

template <class T> int Program<T>::value(Size numbers) {
    numbers_.push_back(numbers);
    return static_cast<int>(numbers_.size()) - 1;
}

template <class T>
int Program<T>::step(std::vector<int> reads, int made, std::function<void(At)> work) {
    const int last = static_cast<int>(numbers_.size()) - 1;
    steps_.push_back({std::move(reads), made, last, std::move(work)});
    return made;
}

template <class T>
int Program<T>::conv2d(const Conv2d& g, Algorithm algorithm, int x, const T* w, const T* b,
                       Relu<T> relu, int addend, PackedFilters<T>& kept) {
    const int out = value(Size(g.N) * g.H_out * g.W_out * g.F);
    std::vector<int> reads{x};
    if (addend != no_value) reads.push_back(addend);
    return step(std::move(reads), out, [=, &kept](At at) {
        conv2d_forward<T>(g, algorithm, at[x], w, b, relu, at[out], &kept,
                          addend == no_value ? nullptr : at[addend]);
    });
}

template <class T>
int Program<T>::linear(const Linear& l, int x, const T* w, const T* b, bool relu,
                       PackedFilters<T>& kept) {
    const int out = value(Size(l.N) * l.M);
    return step({x}, out, [=, &kept](At at) {
        linear_forward<T>(l, at[x], w, b, relu, at[out], &kept);
    });
}

template <class T> int Program<T>::max_pool2d(const Pool2d& g, int x) {
    const Size size = pooled_numbers(g);
    const bool few = Size(g.HH) * g.WW <= 255;
    const int out = value(size);
    const Size bytes = size * Size(few ? sizeof(std::uint8_t) : sizeof(std::int32_t));
    const int which = value(bytes / Size(sizeof(T)) + 1);
    return step({x}, out, [=](At at) {
        const PoolSource<T> from{at[x], nullptr, nullptr, false};
        T* taps = at[which];
        if (few) max_pool2d_forward<T>(g, from, at[out], reinterpret_cast<std::uint8_t*>(taps));
        else max_pool2d_forward<T>(g, from, at[out], reinterpret_cast<std::int32_t*>(taps));
    });
}

template <class T> int Program<T>::avg_pool2d(const Pool2d& g, int x) {
    const int out = value(pooled_numbers(g));
    return step({x}, out, [=](At at) { avg_pool2d_forward<T>(g, at[x], at[out]); });
}

template <class T> int Program<T>::channel_means(int N, Size pixels, int C, int x) {
    const int out = value(Size(N) * C);
    return step({x}, out, [=](At at) { cnn::channel_means<T>(N, pixels, C, at[x], at[out]); });
}

template <class T>
int Program<T>::scale_shift(Size rows, int C, int x, const T* scale, const T* shift) {
    const int out = value(rows * C);
    return step({x}, out, [=](At at) {
        norm_apply<T>({1, rows, C}, {at[x], scale, shift, nullptr, false, at[out]});
    });
}

template <class T> int Program<T>::add(int x, int y, bool relu) {
    const Size n = entries(x);
    const int out = value(n);
    return step({x, y}, out, [=](At at) {
        if (relu) add_relu<T>(at[x], at[y], at[out], n);
        else cnn::add<T>(at[x], at[y], at[out], n);
    });
}

template <class T> int Program<T>::relu(int x) {
    const Size n = entries(x);
    const int out = value(n);
    const int blocked = value((n / 64 + 1) * Size(sizeof(std::uint64_t) / sizeof(T)));
    return step({x}, out, [=](At at) {
        relu_forward<T>(at[x], at[out], reinterpret_cast<std::uint64_t*>(at[blocked]), n);
    });
}

template <class T> int Program<T>::curve(Curve curve, T parameter, int x) {
    const Size n = entries(x);
    const int out = value(n);
    return step({x}, out, [=](At at) { curve_forward<T>(curve, at[x], parameter, at[out], n); });
}

template <class T> int Program<T>::softmax(const Classes& classes, bool logs, int x) {
    const int out = value(entries(x));
    return step({x}, out, [=](At at) { softmax_forward<T>(classes, at[x], logs, at[out]); });
}

template <class T>
int Program<T>::concat(Size rows, const std::vector<int>& xs, const std::vector<Size>& columns) {
    Size whole = 0;
    for (Size n : columns) whole += n;
    const int out = value(rows * whole);
    return step(xs, out, [=](At at) {
        Size begin = 0;
        for (std::size_t k = 0; k < xs.size(); ++k) {
            copy_rows<T>(rows, columns[k], at[xs[k]], columns[k], at[out] + begin, whole);
            begin += columns[k];
        }
    });
}

template <class T> int Program<T>::transpose(Size N, Size rows, Size columns, int x) {
    const int out = value(entries(x));
    return step({x}, out, [=](At at) { cnn::transpose<T>(N, rows, columns, at[x], at[out]); });
}

template <class T> int Program<T>::pad2d(const Images& g, const Padding& p, T border, int x) {
    const int out = value(Size(g.N) * (p.top + g.H + p.bottom) * (p.left + g.W + p.right) * g.C);
    return step({x}, out, [=](At at) { pad2d_forward<T>(g, p, at[x], border, at[out]); });
}

template <class T> int Program<T>::upsample(const Images& g, int scale_h, int scale_w, int x) {
    const int out = value(entries(x) * scale_h * scale_w);
    return step({x}, out, [=](At at) { upsample_forward<T>(g, scale_h, scale_w, at[x], at[out]); });
}

template <class T> void Program<T>::finish(int result) {
    result_ = result;
    const int n_values = static_cast<int>(numbers_.size());
    const int n_steps = static_cast<int>(steps_.size());
    std::vector<int> last_use(n_values, -1);  // the step after which a value is gone
    for (int k = 0; k < n_steps; ++k) {
        for (int made = steps_[k].first; made <= steps_[k].last; ++made) last_use[made] = k;
        for (int read : steps_[k].reads) last_use[read] = k;
    }
    places_.assign(n_values, 0);
    Arena arena;
    auto inside = [&](int v) { return v != 0 && v != result_; };
    for (int k = 0; k < n_steps; ++k) {
        for (int made = steps_[k].first; made <= steps_[k].last; ++made)
            if (inside(made)) places_[made] = arena.take(aligned(numbers_[made] + 1));
        for (int v = 0; v < n_values; ++v)
            if (inside(v) && last_use[v] == k) arena.give(places_[v]);
    }
    block_ = arena.end();
}

template <class T> void Program<T>::run(const T* x, T* out) const {
    if (result_ == 0) return copy<T>(x, out, numbers_[0]);
    const Size n_values = static_cast<Size>(numbers_.size());
    const Size list = aligned(n_values * Size(sizeof(T*)));
    Workspace space(list + block_ * sizeof(T));
    T** at = space.as<T*>();
    T* block = reinterpret_cast<T*>(space.as<char>() + list);
    for (Size v = 0; v < n_values; ++v) at[v] = block + places_[v];
    at[0] = const_cast<T*>(x);  // which no step writes to
    at[result_] = out;
    for (const Step& step : steps_) step.work(at);
}

template class Program<float>;
template class Program<double>;

}  // namespace cnn
