#include "qemu_options.hpp"

#include <catch2/catch.hpp>

using escapement::command::qemu_warnings;

namespace {
std::vector<std::string> recording(std::vector<std::string> options) {
    std::vector<std::string> command{"/usr/bin/qemu-system-x86_64", "-icount", "shift=7,rr=record,rrfile=x"};
    command.insert(command.end(), options.begin(), options.end());
    return command;
}
}  // namespace

TEST_CASE("a recording with nothing from outside gets no warning") {
    CHECK(qemu_warnings(recording({"-kernel", "vmlinuz", "-serial", "file:con", "-device", "virtio-rng-pci"}))
              .empty());
    CHECK(qemu_warnings(recording({"-drive", "driver=blkreplay,if=none,image.driver=raw,id=d"})).empty());
    CHECK(qemu_warnings(recording({"-drive", "if=none,id=image,file=disk.qcow2"})).empty());
    CHECK(
        qemu_warnings(recording({"-netdev", "user,id=n", "-object", "filter-replay,id=r,netdev=n"})).empty());
}

TEST_CASE("what no order can make reproducible is named with its reason") {
    const auto lines =
        qemu_warnings(recording({"-device", "usb-host,hostbus=1", "--virtfs", "local,path=/x"}));
    REQUIRE(lines.size() == 2);
    CHECK(lines[0] ==
          "-device usb-host,hostbus=1: not reproducible: a USB device of the host answers when it likes");
    CHECK(lines[1].find("-virtfs local,path=/x: not reproducible") == 0);
}

TEST_CASE("a device with which QEMU itself hangs is named") {
    for (const char* device : {"nvme,drive=d,serial=1", "sd-card,drive=d", "usb-ehci,id=usb",
                               "ich9-usb-ehci1", "mptsas1068,id=m", "pvscsi"}) {
        CAPTURE(device);
        CHECK(qemu_warnings(recording({"-device", device})).size() == 1);
    }
    CHECK(qemu_warnings(recording({"-device", "qemu-xhci", "-device", "sdhci-pci"})).empty());
}

TEST_CASE("a disk or a network that is not recorded is named") {
    CHECK(qemu_warnings(recording({"-drive", "file=disk.raw,format=raw"})).size() == 1);
    CHECK(qemu_warnings(recording({"-hda", "disk.raw"})).size() == 1);
    CHECK(qemu_warnings(recording({"-netdev", "user,id=n"})).size() == 1);
}

TEST_CASE("only a QEMU that records or replays is warned of") {
    CHECK(qemu_warnings({"qemu-system-x86_64", "-hda", "disk.raw"}).empty());
    CHECK(qemu_warnings({"xz", "-icount", "rr=record", "-vnc", ":1"}).empty());
    CHECK(qemu_warnings({}).empty());
}
