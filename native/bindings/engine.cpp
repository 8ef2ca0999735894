// Settings of the engine, and arrays on memory that is used again.
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "bindings/arrays.hpp"
#include "dispatch/dispatch.hpp"
#include "parallel/pool.hpp"

namespace cnn {
namespace {

template <class T> nb::ndarray<T, nb::numpy> empty(const std::vector<std::size_t>& shape) {
    std::size_t size = sizeof(T);
    for (std::size_t n : shape)
        if (__builtin_mul_overflow(size, n, &size)) throw std::bad_alloc();
    void* block = take_block(size ? size : 1);
    if (!block) throw std::bad_alloc();
    nb::capsule owner(block, [](void* p) noexcept { give_block(p); });
    return {block, shape.size(), shape.data(), owner};
}

std::vector<std::tuple<std::string, bool>> levels() {
    std::vector<std::tuple<std::string, bool>> all;
    for (int k = 0; k < n_candidates(); ++k)
        all.emplace_back(candidates()[k].level->name, candidates()[k].here);
    return all;
}

void choose_level(const std::string& name) {
    for (int k = 0; k < n_candidates(); ++k)
        if (candidates()[k].level->name == name && candidates()[k].here)
            return set_level(*candidates()[k].level);
    throw std::invalid_argument(name);
}

}  // namespace

void bind_engine(nb::module_& m) {
    m.def("empty_f32", &empty<float>, nb::arg("shape"));
    m.def("empty_f64", &empty<double>, nb::arg("shape"));
    m.def("empty_u8", &empty<std::uint8_t>, nb::arg("shape"));
    m.def("empty_i32", &empty<std::int32_t>, nb::arg("shape"));
    m.def("levels", &levels);
    m.def("level", [] { return std::string(current_level().name); });
    m.def("set_level", &choose_level, nb::arg("name"));
    m.def("n_threads", &n_threads);
    m.def("set_n_threads", &set_n_threads, nb::arg("n"));
    m.attr("most_threads") = most_threads;
}

}  // namespace cnn
