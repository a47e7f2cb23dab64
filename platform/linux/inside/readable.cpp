#include "readable.hpp"

#include "raw_system_call.hpp"

#include <sys/syscall.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

namespace escapement {

bool copy_from(std::uintptr_t address, void* to, std::size_t size) {
    const iovec local{.iov_base = to, .iov_len = size};
    const iovec remote{.iov_base = reinterpret_cast<void*>(address), .iov_len = size};
    const long self = raw_system_call(SYS_getpid);
    const long read = raw_system_call(SYS_process_vm_readv, self, reinterpret_cast<long>(&local), 1,
                                      reinterpret_cast<long>(&remote), 1, 0);
    if (read == static_cast<long>(size)) return true;
    if (read >= 0 || read == -EFAULT) return false;
    std::memcpy(to, reinterpret_cast<const void*>(address), size);
    return true;
}

bool Readable::operator()(std::uintptr_t address) {
    const std::uintptr_t page = address & ~(page_size - 1);
    if (page == page_) return true;
    char byte = 0;
    if (!copy_from(address, &byte, 1)) return false;
    page_ = page;
    return true;
}

}  // namespace escapement
