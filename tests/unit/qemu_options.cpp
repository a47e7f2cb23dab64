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

TEST_CASE("a disk that is not recorded is named, however it is given") {
    for (const std::vector<std::string>& options : std::vector<std::vector<std::string>>{
             {"-drive", "file=disk.raw,format=raw"},
             {"-drive", "file=disk.raw,if=virtio,readonly=on"},
             {"-hda", "disk.raw"},
             {"-hdd", "disk.raw"},
             {"-cdrom", "disk.iso"},
             {"-drive", "if=none,id=d,file=disk.qcow2", "-device", "virtio-blk-pci,drive=d"},
             {"-blockdev", "driver=file,node-name=d,filename=a,,b", "-device", "ide-hd,drive=d"},
             {"-blockdev", R"({"driver":"file","node-name":"d","filename":"x"})", "-device",
              R"({"driver":"scsi-hd","drive":"d"})"},
             {"-blockdev", "driver=raw,node-name=d,file=d", "-device", "ide-hd,drive=d"}}) {
        CAPTURE(options);
        const auto lines = qemu_warnings(recording(options));
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].find("disk is not behind blkreplay") != std::string::npos);
    }
    for (const std::vector<std::string>& options : std::vector<std::vector<std::string>>{
             {"-drive", "if=pflash,file=OVMF.fd,readonly=on"},
             {"-drive", "if=none,id=i,file=x", "-drive", "driver=blkreplay,if=none,image=i,id=d", "-device",
              "virtio-blk-pci,drive=d"},
             {"-blockdev", "driver=blkreplay,node-name=r,image=i", "-blockdev",
              "driver=qcow2,node-name=d,file=r", "-device", "virtio-blk-pci,drive=d"},
             {"-blockdev",
              R"({"driver":"blkreplay","node-name":"d","image":{"driver":"file","filename":"x"}})", "-device",
              "driver=virtio-blk-pci,drive=d"},
             {"-device", "virtio-blk-pci,drive=whose"}}) {
        CAPTURE(options);
        CHECK(qemu_warnings(recording(options)).empty());
    }
}

TEST_CASE("a disk that a server answers is named") {
    for (const std::vector<std::string>& options : std::vector<std::vector<std::string>>{
             {"-drive", "if=none,id=i,file=nbd+unix:///?socket=/tmp/s"},
             {"-drive", "if=none,id=i,file=nbd:localhost:10809"},
             {"-drive", "if=none,id=i,file=https://example.org/x.img"},
             {"-drive", "if=none,id=i,file.driver=ssh,file.path=/x"},
             {"-blockdev", R"({"driver":"nbd","node-name":"i","server":{"type":"unix","path":"/s"}})"}}) {
        CAPTURE(options);
        const auto lines = qemu_warnings(recording(options));
        REQUIRE(lines.size() == 1);
        CHECK(lines[0].ends_with("not reproducible: a server answers when it likes"));
    }
    CHECK(qemu_warnings(recording({"-cdrom", "http://example.org/x.iso"})).size() == 2);
    CHECK(qemu_warnings(recording({"-drive", "if=none,id=i,file=/nbd/disk:1"})).empty());
}

TEST_CASE("a device is known by its driver, however it is written") {
    CHECK(qemu_warnings(recording({"-device", R"({"driver":"vfio-pci","host":"01:00.0"})"})).size() == 1);
    CHECK(qemu_warnings(recording({"-device", "driver=usb-host,hostbus=1"})).size() == 1);
    CHECK(qemu_warnings(recording({"-device", "{not JSON"})).empty());
    CHECK(qemu_warnings(recording({"-device", R"({"a":)" + std::string(1'000'000, '[')})).empty());
    const std::string deep = R"({"a":)" + std::string(500'000, '[') + std::string(500'000, ']') + "}";
    CHECK(qemu_warnings(recording({"-device", deep})).empty());
}

TEST_CASE("a network that is not recorded is named, however it is given") {
    for (const std::vector<std::string>& options : std::vector<std::vector<std::string>>{
             {"-netdev", "user,id=n"}, {"-nic", "user"}, {"-net", "nic", "-net", "user"}}) {
        CAPTURE(options);
        CHECK(qemu_warnings(recording(options)).size() == 1);
    }
    CHECK(qemu_warnings(recording({"-nic", "none", "-net", "none"})).empty());
    CHECK(qemu_warnings(recording({"-nic", "user,id=n", "-object",
                                   R"({"qom-type":"filter-replay","id":"r","netdev":"n"})"}))
              .empty());
}

TEST_CASE("only a QEMU that records or replays is warned of") {
    CHECK(qemu_warnings({"qemu-system-x86_64", "-hda", "disk.raw"}).empty());
    CHECK(qemu_warnings({"xz", "-icount", "rr=record", "-vnc", ":1"}).empty());
    CHECK(qemu_warnings({}).empty());
}
