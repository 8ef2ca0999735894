// Programs: networks as lists of steps. Images are (N, H, W, C) in all of them.
#include "engine/program.hpp"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <stdexcept>
#include <vector>

#include "bindings/arrays.hpp"

namespace cnn {
namespace {

template <class T> struct Recorded {
    Program<T> program;
    std::vector<std::shared_ptr<void>> held;  // the weights that its steps read

    explicit Recorded(std::ptrdiff_t input_numbers) : program(input_numbers) {}

    // Where an array of weights lies, which lives from now on as long as the program.
    template <class Array> const T* hold(const Array& array) {
        held.push_back(std::make_shared<Array>(array));
        return array.data();
    }
    template <class Array> const T* hold(const Maybe<Array>& array) {
        return array ? hold(*array) : nullptr;
    }
};

template <class T> void bind(nb::module_& m, const char* name) {
    using R = Recorded<T>;
    using Packed = PackedFilters<T>;
    nb::class_<R>(m, name)
        .def(nb::init<std::ptrdiff_t>(), nb::arg("input_numbers"))
        .def("conv2d",
             [](R& r, const Conv2d& g, Algorithm algorithm, int x, In<T, 4> w, Maybe<In<T, 1>> b,
                bool relu, Maybe<int> addend, Packed& kept, T ceiling) {
                 return r.program.conv2d(g, algorithm, x, r.hold(w), r.hold(b),
                                         {relu, ceiling},
                                         addend.value_or(no_value), kept);
             },
             nb::arg("geometry"), nb::arg("algorithm"), nb::arg("x"), nb::arg("w").noconvert(),
             nb::arg("b").noconvert().none(), nb::arg("relu"), nb::arg("addend").none(),
             nb::arg("kept"), nb::arg("ceiling") = Relu<T>::no_ceiling, nb::keep_alive<1, 9>())
        .def("linear",
             [](R& r, int N, int x, In<T, 2> w, Maybe<In<T, 1>> b, bool relu, Packed& kept) {
                 const Linear l{N, static_cast<int>(w.shape(1)), static_cast<int>(w.shape(0))};
                 return r.program.linear(l, x, r.hold(w), r.hold(b), relu, kept);
             },
             nb::arg("N"), nb::arg("x"), nb::arg("w").noconvert(), nb::arg("b").noconvert().none(),
             nb::arg("relu"), nb::arg("kept"), nb::keep_alive<1, 7>())
        .def("max_pool2d", [](R& r, const Pool2d& g, int x) { return r.program.max_pool2d(g, x); },
             nb::arg("geometry"), nb::arg("x"))
        .def("avg_pool2d", [](R& r, const Pool2d& g, int x) { return r.program.avg_pool2d(g, x); },
             nb::arg("geometry"), nb::arg("x"))
        .def("channel_means",
             [](R& r, int N, std::ptrdiff_t pixels, int C, int x) {
                 return r.program.channel_means(N, pixels, C, x);
             },
             nb::arg("N"), nb::arg("pixels"), nb::arg("C"), nb::arg("x"))
        .def("scale_shift",
             [](R& r, std::ptrdiff_t rows, int x, In<T, 1> scale, In<T, 1> shift) {
                 return r.program.scale_shift(rows, static_cast<int>(scale.shape(0)), x,
                                              r.hold(scale), r.hold(shift));
             },
             nb::arg("rows"), nb::arg("x"), nb::arg("scale").noconvert(),
             nb::arg("shift").noconvert())
        .def("add", [](R& r, int x, int y, bool relu) { return r.program.add(x, y, relu); },
             nb::arg("x"), nb::arg("y"), nb::arg("relu"))
        .def("relu", [](R& r, int x) { return r.program.relu(x); }, nb::arg("x"))
        .def("curve",
             [](R& r, Curve curve, double parameter, int x) {
                 return r.program.curve(curve, static_cast<T>(parameter), x);
             },
             nb::arg("curve"), nb::arg("parameter"), nb::arg("x"))
        .def("softmax",
             [](R& r, std::ptrdiff_t outer, std::ptrdiff_t K, std::ptrdiff_t inner, bool logs,
                int x) { return r.program.softmax({outer, K, inner}, logs, x); },
             nb::arg("outer"), nb::arg("K"), nb::arg("inner"), nb::arg("logs"), nb::arg("x"))
        .def("concat",
             [](R& r, std::ptrdiff_t rows, const std::vector<int>& xs,
                const std::vector<std::ptrdiff_t>& columns) {
                 return r.program.concat(rows, xs, columns);
             },
             nb::arg("rows"), nb::arg("xs"), nb::arg("columns"))
        .def("transpose",
             [](R& r, std::ptrdiff_t N, std::ptrdiff_t rows, std::ptrdiff_t columns, int x) {
                 return r.program.transpose(N, rows, columns, x);
             },
             nb::arg("N"), nb::arg("rows"), nb::arg("columns"), nb::arg("x"))
        .def("pad2d",
             [](R& r, int N, int H, int W, int C, const Padding& padding, double value, int x) {
                 return r.program.pad2d({N, H, W, C}, padding, static_cast<T>(value), x);
             },
             nb::arg("N"), nb::arg("H"), nb::arg("W"), nb::arg("C"), nb::arg("padding"),
             nb::arg("value"), nb::arg("x"))
        .def("upsample",
             [](R& r, int N, int H, int W, int C, int scale_h, int scale_w, int x) {
                 return r.program.upsample({N, H, W, C}, scale_h, scale_w, x);
             },
             nb::arg("N"), nb::arg("H"), nb::arg("W"), nb::arg("C"), nb::arg("scale_h"),
             nb::arg("scale_w"), nb::arg("x"))
        .def("finish", [](R& r, int result) { r.program.finish(result); }, nb::arg("result"))
        .def("run",
             [](const R& r, InFlat<T> x, OutFlat<T> out) {
                 if (std::ptrdiff_t(x.size()) != r.program.input_numbers() ||
                     std::ptrdiff_t(out.size()) != r.program.result_numbers())
                     throw std::invalid_argument("arrays of another size than was recorded");
                 unlocked([&] { r.program.run(x.data(), out.data()); });
             },
             nb::arg("x").noconvert(), nb::arg("out").noconvert());
}

}  // namespace

void bind_program(nb::module_& m) {
    bind<float>(m, "Program_f32");
    bind<double>(m, "Program_f64");
}

}  // namespace cnn
