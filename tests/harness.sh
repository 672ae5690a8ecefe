#!/bin/sh
# usage: harness.sh [CC...]   (gcc clang)
#
# Shows that tests/test.h and tests/cli/shared.py fail when they must: each line below is a test program of its own. A line `fails` must
# compile and exit with 1, a line `passes` with 0, a line `refused` must not compile.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0 count=0

# want, statements of main
try() {
    want=$1 got=passes
    printf '#include "test.h"\nint main(void) { %s return TEST_DONE(); }\n' "$2" >"$work/t.c"
    if ! $cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wshadow -Werror -O1 -Itests "$work/t.c" -lm -o "$work/t" 2>"$work/log"; then
        got=refused
    elif ! "$work/t" >"$work/log" 2>&1; then
        got=fails
        grep -q 't.c:2: ' "$work/log" || got="fails without saying where"
    fi
    count=$((count + 1))
    [ "$got" = "$want" ] || { echo "harness: $cc: $got, and should be: $want: $2" >&2; status=1; }
}

for cc in ${*:-gcc clang}; do
    while read -r want statements; do
        [ -z "$want" ] || try "$want" "$statements"
    done <<'END'
passes  CHECK(1 + 1 == 2);
fails   CHECK(1 + 1 == 3);
refused int a = 1; CHECK(a = 2);
passes  CHECK(1 == 1); for (int i = 0; i < 3; i++) CHECK(i < 3);
fails   for (int i = 0; i < 3; i++) CHECK(i < 2);
fails   CHECK(1 == 1); for (int i = 0; i < 0; i++) CHECK(i < 2);
fails   if (test_failures) CHECK(1 == 1); CHECK(2 == 2);
passes  if (test_failures) CHECK(false); CHECK(2 == 2);
fails   CHECK(false);
passes  CHECK(1 == 1); if (test_failures) CHECK(1 == 1); TEST_SKIP("no such machine");
refused (void)test_checks;
fails   TEST_FAILED("%d", 1); CHECK(1 == 1);
passes  CHECK_EQ(1, 1); CHECK_EQ(-1, -1); CHECK_EQ(true, 1); CHECK_EQ('a', 97);
fails   CHECK_EQ(1, 2);
fails   CHECK_EQ(-1, UINT64_MAX);
fails   CHECK_EQ(UINT64_MAX, -1);
fails   CHECK_EQ(UINT64_C(1) << 63, INT64_MIN);
fails   CHECK_EQ(UINT64_MAX, UINT64_MAX - 1);
fails   CHECK_EQ((uint32_t)-1, -1);
passes  CHECK_EQ((uint64_t)1 << 63, 9223372036854775808u); CHECK_EQ(INT64_MIN, INT64_MIN); CHECK_EQ((size_t)7, 7);
passes  struct { unsigned a : 5; int b : 4; } s = {31, -8}; CHECK_EQ(s.a, 31); CHECK_EQ(s.b, -8);
passes  enum { A = 3 } a = A; CHECK_EQ(a, A); CHECK_EQ((int8_t)-3, -3); CHECK_EQ((uint8_t)253, 253);
passes  int n = 0; CHECK_EQ(n++, 0); CHECK_EQ(n, 1);
refused CHECK_EQ(1.0, 1);
refused CHECK_EQ(1, 1.9);
refused CHECK_EQ(1.0f, 1);
refused CHECK_EQ(1, 1.0L);
refused double t = 736.9; CHECK_EQ(t, 736);
refused CHECK_EQ((char *)0, (char *)0);
passes  CHECK_REAL(0.5, 0.5); CHECK_REAL(0.5f, 0.5); CHECK_REAL(3.0, 3); CHECK_REAL(NAN, NAN); CHECK_REAL(-0.0, 0); CHECK_REAL(INFINITY, INFINITY);
fails   CHECK_REAL(736.9, 736);
fails   CHECK_REAL(736, 736.9);
fails   CHECK_REAL(0.1 + 0.2, 0.3);
fails   CHECK_REAL(NAN, 1);
fails   CHECK_REAL(1, NAN);
fails   CHECK_REAL(INFINITY, -INFINITY);
fails   CHECK_REAL(INFINITY, 1e308);
passes  CHECK_NEAR(0.1 + 0.2, 0.3, 1e-15); CHECK_NEAR(-101, -100, 0.01); CHECK_NEAR(0, 0, 0); CHECK_NEAR(-INFINITY, -INFINITY, 0.1);
fails   CHECK_NEAR(-101.1, -100, 0.01);
fails   CHECK_NEAR(100, -100, 0.01);
fails   CHECK_NEAR(1e-300, 0, 0.5);
fails   CHECK_NEAR(NAN, NAN, 0.1);
fails   CHECK_NEAR(NAN, 1, 0.1);
fails   CHECK_NEAR(1, NAN, 0.1);
fails   CHECK_NEAR(1, INFINITY, 0.1);
fails   CHECK_NEAR(INFINITY, 1, 0.1);
fails   CHECK_NEAR(1, 2, NAN);
fails   CHECK_NEAR(1, 2, INFINITY);
fails   CHECK_NEAR(1, 2, 1);
fails   CHECK_NEAR(1, 2, -1);
passes  CHECK_STR("a", "a"); CHECK_STR("", "");
fails   CHECK_STR("a", "b");
fails   CHECK_STR("a", "");
fails   const char *none = NULL; CHECK_STR(none, "a");
fails   const char *none = NULL; CHECK_STR("a", none);
fails   const char *none = NULL; CHECK_STR(none, none);
passes  CHECK_HAS("a line", "line");
fails   CHECK_HAS("a line", "lines");
fails   CHECK_HAS("a line", "");
fails   const char *none = NULL; CHECK_HAS(none, "a");
fails   const char *none = NULL; CHECK_HAS("a", none);
passes  CHECK_BYTES("ab\0c", "ab\0c", 4);
fails   CHECK_BYTES("ab\0c", "ab\0d", 4);
fails   CHECK_BYTES("abc", "bbc", 3);
END
done

# The same of the command line's tests; scripts stand for a program that is content and for one that is not.
printf '#!/bin/sh\nexit 0\n' >"$work/true"
printf '#!/bin/sh\nexit 1\n' >"$work/false"
chmod +x "$work/true" "$work/false"
try_python() {
    want=$1 got=passes
    printf 'import sys\nsys.path.insert(0, "tests/cli")\nfrom shared import check, finish, output, run\n%s\n' "$3" >"$work/t.py"
    python3 "$work/t.py" "$2" >"$work/log" 2>&1 || got=fails
    count=$((count + 1))
    [ "$got" = "$want" ] || { echo "harness: $got, and should be: $want: $3" >&2; status=1; }
}
while read -r want program statements; do
    try_python "$want" "$work/$program" "$statements"
done <<'END'
passes true check(1 == 1, "one"); finish()
fails true finish()
fails true check(1 == 2, "two"); finish()
fails true check(1 == 2, "two"); check(1 == 1, "one"); finish()
passes true check(output() == b"", "nothing"); finish()
fails false check(output() == b"", "nothing"); finish()
passes true run(); finish()
passes false run(code=1); finish()
fails false run(); finish()
fails true run(code=1); finish()
fails true run(say="word"); finish()
END
[ $status != 0 ] || echo "harness: $count programs pass, fail and are refused as they must"
exit $status
