// Where two logs part, and what is said about it.

#include "qemu_log_builder.hpp"

#include <escapement/divergence.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

using namespace escapement;
using test::QemuLogBuilder;

namespace {

Divergence compare(const QemuLogBuilder& a, const QemuLogBuilder& b, const CompareOptions& options = {}) {
    auto divergence = compare_qemu_logs(a.bytes(), "a", b.bytes(), "b", options);
    REQUIRE(divergence);
    return *divergence;
}

/// A guest that has booted: it has taken more interrupts than firmware does.
QemuLogBuilder booted() {
    QemuLogBuilder log;
    log.checkpoint(7).clock_virtual_rt(1);
    for (int i = 0; i < 50; ++i)
        log.instructions(10).event(QemuEventKind::interrupt);
    return log;
}

}  // namespace

TEST_CASE("identical logs are identical", "[divergence]") {
    const auto log = test::log_of_every_kind();
    const auto divergence = compare_qemu_logs(log, "a", log, "b");
    REQUIRE(divergence);
    CHECK(divergence->identical());
    CHECK(divergence->first() == nullptr);
    CHECK(divergence->a.events == divergence->b.events);
    CHECK(divergence->a.name == "a");
    CHECK(divergence->payloads.empty());
}

TEST_CASE("kinds and payloads are two answers", "[divergence]") {
    const auto a =
        QemuLogBuilder().clock_host(1).checkpoint(7).instructions(5).checkpoint(4).clock_host(3).end();
    const auto b =
        QemuLogBuilder().clock_host(2).checkpoint(7).instructions(5).clock_host(4).checkpoint(4).end();
    const Divergence divergence = compare(a, b);
    CHECK(divergence.verdict == Divergence::Verdict::different);
    REQUIRE(divergence.by_payload);
    CHECK(divergence.by_payload->index == 0);
    CHECK(divergence.by_payload->cause == DivergenceCause::host_clock);
    CHECK(divergence.by_payload->phase == GuestPhase::machine_setup);
    REQUIRE(divergence.by_kind);
    CHECK(divergence.by_kind->index == 3);
    CHECK(divergence.by_kind->cause == DivergenceCause::thread_order);
    CHECK(divergence.by_kind->phase == GuestPhase::firmware);
    CHECK(divergence.by_kind->events.a->icount == 5);
    CHECK(divergence.first() == &*divergence.by_payload);
    CHECK(divergence.a.events == 7);
    CHECK(divergence.b.events == 7);
    REQUIRE(divergence.payloads.size() == 1);
    CHECK(divergence.payloads[0].kind == QemuEventKind::clock_host);
    CHECK(divergence.payloads[0].count == 1);
}

TEST_CASE("the context is what lies around, in step", "[divergence]") {
    QemuLogBuilder a;
    QemuLogBuilder b;
    for (unsigned i = 0; i < 200; ++i) {
        a.instructions(1 + i);
        b.instructions(1 + i);
    }
    a.random("abcd").net("1").net("2").end();
    b.random("abce").net("1").net("2").end();
    const Divergence divergence = compare(a, b, {.context = 3});
    REQUIRE(divergence.by_payload);
    CHECK_FALSE(divergence.by_kind);
    const Difference& difference = *divergence.by_payload;
    CHECK(difference.index == 200);
    CHECK(difference.cause == DivergenceCause::randomness);
    REQUIRE(difference.context.size() == 7);
    CHECK(difference.position == 3);
    for (std::size_t i = 0; i < difference.context.size(); ++i) {
        REQUIRE(difference.context[i].a);
        REQUIRE(difference.context[i].b);
        CHECK(difference.context[i].a->index == 197 + i);
        CHECK(difference.context[i].b->index == 197 + i);
        CHECK(difference.context[i].a->kind == difference.context[i].b->kind);
    }
    CHECK(describe_payload(*difference.context[2].b) == "200 instructions");
    CHECK(difference.context[2].b->icount == 200 * 201 / 2);
}

TEST_CASE("offsets and instruction counts in the context are each log's own", "[divergence]") {
    const auto a = QemuLogBuilder().instructions(5).net("long packet").checkpoint(1).checkpoint(2).end();
    const auto b = QemuLogBuilder().instructions(6).net("short").checkpoint(1).checkpoint(3).end();
    const Divergence divergence = compare(a, b);
    REQUIRE(divergence.by_kind);
    const EventPair& before = divergence.by_kind->context.at(divergence.by_kind->position - 1);
    CHECK(before.a->icount == 5);
    CHECK(before.b->icount == 6);
    CHECK(before.a->offset == 12 + 5 + 10 + 11);
    CHECK(before.b->offset == 12 + 5 + 10 + 5);
    CHECK(divergence.payloads.size() == 2);
}

TEST_CASE("the likely cause of differing payloads", "[divergence]") {
    const auto cause = [](const QemuLogBuilder& a, const QemuLogBuilder& b) {
        const Divergence divergence = compare(a, b);
        REQUIRE(divergence.by_payload);
        CHECK_FALSE(divergence.by_payload->why.empty());
        return divergence.by_payload->cause;
    };
    CHECK(cause(QemuLogBuilder().clock_virtual_rt(1).end(), QemuLogBuilder().clock_virtual_rt(2).end()) ==
          DivergenceCause::start_up_time);
    CHECK(cause(booted().clock_virtual_rt(1).end(), booted().clock_virtual_rt(2).end()) ==
          DivergenceCause::idle_time);
    CHECK(cause(booted().instructions(1).end(), booted().instructions(2).end()) ==
          DivergenceCause::thread_order);
    CHECK(cause(booted().block(1).end(), booted().block(2).end()) == DivergenceCause::block_completion);
    CHECK(cause(booted().char_read("a").end(), booted().char_read("bc").end()) ==
          DivergenceCause::outside_input);
    CHECK(cause(booted().net("a").end(), booted().net("b").end()) == DivergenceCause::outside_input);
    using enum QemuEventKind;
    CHECK(cause(booted().event(bottom_half).number(1, 8).end(),
                booted().event(bottom_half).number(2, 8).end()) == DivergenceCause::thread_order);
    CHECK(cause(booted().event(char_write).number(5, 4).number(5, 4).end(),
                booted().event(char_write).number(5, 4).number(4, 4).end()) ==
          DivergenceCause::outside_input);
    CHECK(cause(booted().event(audio_out).number(1, 8).end(), booted().event(audio_out).number(2, 8).end()) ==
          DivergenceCause::outside_input);
}

TEST_CASE("causes and phases have names", "[divergence]") {
    std::set<std::string> names;
    for (auto cause = DivergenceCause::host_clock; cause <= DivergenceCause::ended;
         cause = static_cast<DivergenceCause>(static_cast<int>(cause) + 1))
        CHECK(names.insert(cause_name(cause)).second);
    for (auto phase = GuestPhase::machine_setup; phase <= GuestPhase::shutdown;
         phase = static_cast<GuestPhase>(static_cast<int>(phase) + 1))
        CHECK(names.insert(phase_name(phase)).second);
    CHECK(names.count("unknown") == 0);
}

TEST_CASE("the likely cause of differing kinds, and the phase", "[divergence]") {
    const auto difference = [](const QemuLogBuilder& a, const QemuLogBuilder& b) {
        Divergence divergence = compare(a, b);
        REQUIRE(divergence.by_kind);
        return *divergence.by_kind;
    };
    auto found = difference(booted().checkpoint(1).end(), booted().instructions(4).end());
    CHECK(found.cause == DivergenceCause::thread_order);
    CHECK(found.phase == GuestPhase::boot);
    found = difference(booted().checkpoint(0).clock_virtual_rt(9).end(),
                       booted().checkpoint(0).checkpoint(1).end());
    CHECK(found.cause == DivergenceCause::idle_time);
    CHECK(found.phase == GuestPhase::idle);
    found = difference(booted().block(1).end(), booted().checkpoint(1).end());
    CHECK(found.cause == DivergenceCause::block_completion);
    found = difference(booted().checkpoint(1).end(), booted().char_read("x").end());
    CHECK(found.cause == DivergenceCause::outside_input);
    found = difference(booted().end(), booted().instructions(1).end());
    CHECK(found.cause == DivergenceCause::ended);
    found = difference(booted().shutdown(6).end(), booted().shutdown(6).checkpoint(1).end());
    CHECK(found.cause == DivergenceCause::thread_order);
    CHECK(found.phase == GuestPhase::shutdown);
    found = difference(booted().clock_virtual_rt(1).checkpoint(1).end(),
                       booted().clock_virtual_rt(2).instructions(4).end());
    CHECK(found.cause == DivergenceCause::thread_order);
    CHECK(found.why.find("already apart") != std::string::npos);
    found =
        difference(QemuLogBuilder().checkpoint(7).end(), QemuLogBuilder().clock_host(1).checkpoint(7).end());
    CHECK(found.cause == DivergenceCause::other_machine);
    CHECK(found.phase == GuestPhase::machine_setup);
    // After a reset the machine is in its firmware again.
    found = difference(booted().checkpoint(2).instructions(5).checkpoint(1).end(),
                       booted().checkpoint(2).instructions(5).checkpoint(4).end());
    CHECK(found.phase == GuestPhase::firmware);
}

TEST_CASE("a log that cannot be read on says nothing about what follows", "[divergence]") {
    const auto whole = QemuLogBuilder().instructions(5).checkpoint(1).checkpoint(4).end();
    const auto killed = QemuLogBuilder(0).instructions(5).checkpoint(1);
    const Divergence divergence = compare(whole, killed);
    CHECK(divergence.verdict == Divergence::Verdict::unknown);
    CHECK_FALSE(divergence.by_kind);
    CHECK_FALSE(divergence.a.trouble);
    REQUIRE(divergence.b.trouble);
    CHECK(divergence.b.trouble->log == "b");
    CHECK(divergence.a.events == 5);

    const auto other = QemuLogBuilder(0).instructions(6).checkpoint(1);
    CHECK(compare(whole, other).verdict == Divergence::Verdict::different);
    CHECK(compare(killed, killed).verdict == Divergence::Verdict::unknown);

    const auto refused = compare_qemu_logs(whole.bytes(), "a", QemuLogBuilder(0xe02001).bytes(), "b");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().log == "b");
}
