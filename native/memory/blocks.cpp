// Blocks of memory, kept between uses.
//
// Small ones come from the C library. Large ones come from mmap, aligned to 2 MB so that
// the system can back them with huge pages, and are kept when given back. The header in
// front of a block holds its size; it takes one page of a large block, so that the
// block itself begins on a page.
#include "memory/blocks.hpp"

#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

namespace cnn {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t small = SIZE_MAX / 4;      // all: the sanitizer knows where they end
#else
constexpr std::size_t small = 32u << 10;         // below: the C library keeps its own lists
#endif
constexpr std::size_t huge_page = 2u << 20;
constexpr std::size_t page = 4096;
constexpr std::size_t most_idle = std::size_t(1) << 30;

struct Header {
    std::size_t bytes;  // of the block, without the header; 0 for a small one
    void* mapped;       // what munmap takes
    std::size_t mapped_bytes;
};

Header* header_of(void* block) {
    return reinterpret_cast<Header*>(static_cast<char*>(block) - sizeof(Header));
}

// What is asked of an idle block stands here: its own header may be far from the caches.
struct IdleBlock {
    void* block;
    std::size_t bytes;
    int thread;  // that gave it back: it may still lie in that one's caches
};

struct Idle {
    std::mutex mutex;
    std::vector<IdleBlock> blocks;  // the one given back last stands last
    std::size_t bytes = 0;
};

Idle& idle() {
    // never deleted: arrays may be freed at exit; whole across fork
    static Idle* all = [] {
        pthread_atfork([] { idle().mutex.lock(); }, [] { idle().mutex.unlock(); },
                       [] { idle().mutex.unlock(); });
        return new Idle;
    }();
    return *all;
}

// Sizes are rounded up to eighths of a power of two, so that blocks fit again.
std::size_t rounded(std::size_t bytes) {
    std::size_t step = page;
    while (step * 16 <= bytes) step *= 2;
    return (bytes + step - 1) / step * step;
}

void* map(std::size_t bytes) {
    const std::size_t align = bytes >= huge_page ? huge_page : page;
    const std::size_t whole = bytes + page + align;
    void* got = mmap(nullptr, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) return nullptr;
    const auto begin = reinterpret_cast<std::uintptr_t>(got);
    const auto block = (begin + page + align - 1) / align * align;
    if (align == huge_page) madvise(reinterpret_cast<void*>(block), bytes, MADV_HUGEPAGE);
    *header_of(reinterpret_cast<void*>(block)) = {bytes, got, whole};
    return reinterpret_cast<void*>(block);
}

void unmap(void* block) {
    const Header header = *header_of(block);
    munmap(header.mapped, header.mapped_bytes);
}

int this_thread() {
    static std::atomic<int> threads{0};
    thread_local const int own = ++threads;
    return own;
}

// The block that fits best; of those that fit alike, this thread's own, and the latest.
void* take_idle(std::size_t bytes) {
    const int thread = this_thread();
    std::lock_guard<std::mutex> lock(idle().mutex);
    auto& blocks = idle().blocks;
    auto best = blocks.end();
    for (auto it = blocks.begin(); it != blocks.end(); ++it) {
        if (it->bytes < bytes || it->bytes > bytes + bytes / 4) continue;
        const bool better = best == blocks.end() || it->bytes < best->bytes ||
                            (it->bytes == best->bytes &&
                             (it->thread == thread || best->thread != thread));
        if (better) best = it;
    }
    if (best == blocks.end()) return nullptr;
    void* block = best->block;
    idle().bytes -= best->bytes;
    blocks.erase(best);
    return block;
}

void unmap_all(const std::vector<IdleBlock>& blocks) {
    for (const IdleBlock& each : blocks) unmap(each.block);
}

}  // namespace

void* take_block(std::size_t bytes) {
    if (bytes < small) {
        void* whole = nullptr;
        if (posix_memalign(&whole, 64, bytes + 64) != 0) return nullptr;
        void* block = static_cast<char*>(whole) + 64;
        *header_of(block) = {0, whole, 0};
        return block;
    }
    if (bytes > SIZE_MAX / 4) return nullptr;
    const std::size_t size = rounded(bytes);
    if (void* block = take_idle(size)) return block;
    if (void* block = map(size)) return block;
    forget_idle_blocks();
    return map(size);
}

void give_block(void* block) {
    if (!block) return;
    if (header_of(block)->bytes == 0) {
        std::free(header_of(block)->mapped);
        return;
    }
    const std::size_t bytes = header_of(block)->bytes;
    std::vector<IdleBlock> gone;
    {
        std::lock_guard<std::mutex> lock(idle().mutex);
        auto& blocks = idle().blocks;
        blocks.push_back({block, bytes, this_thread()});
        idle().bytes += bytes;
        auto kept = blocks.begin();
        for (; idle().bytes > most_idle; ++kept) idle().bytes -= kept->bytes;
        gone.assign(blocks.begin(), kept);
        blocks.erase(blocks.begin(), kept);
    }
    unmap_all(gone);
}

void forget_idle_blocks() {
    std::vector<IdleBlock> gone;
    {
        std::lock_guard<std::mutex> lock(idle().mutex);
        gone.swap(idle().blocks);
        idle().bytes = 0;
    }
    unmap_all(gone);
}

Workspace::Workspace(std::size_t bytes) : block_(take_block(bytes ? bytes : 1)) {
    if (!block_) throw std::bad_alloc();
}

}  // namespace cnn
