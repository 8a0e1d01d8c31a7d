/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_invoke.c - a call of an app as the answer to BRRR_INVOKE.
 */
#include "answers.h"
#include "invoke.h"
#include "toy.h"

#include <brrr/memory.h>

static int64_t now(void) { return 1795489157; }

static const brrr_task tasks[] = {{.name = "fib", .fn = toy_fib}};

typedef struct setup {
  brrr_memory *memory;
  brrr_backends backends;
  brrr_codec codec;
  brrr_app app;
  brrr__invoke invoke;
} setup;

static void setup_init(setup *s, brrr_alloc alloc) {
  *s = (setup){.codec = toy_codec()};
  assert_int_equal(brrr_memory_new(&s->memory, (brrr_alloc){0}), BRRR_OK);
  const brrr_backend b = brrr_memory_backend(s->memory);
  s->backends = (brrr_backends){b, b, b};
  s->app = (brrr_app){tasks, 1, &s->codec};
  s->invoke = (brrr__invoke){
      .app = &s->app, .backends = &s->backends, .alloc = alloc, .now = now};
}

static void test_value(void **state) {
  (void)state;
  const brrr_call call = {BRRR_INIT("fib:1"), BRRR_INIT("fib"), BRRR_INIT("1")};
  setup s;
  answer a;
  setup_init(&s, (brrr_alloc){0});
  brrr__invoke_start(&s.invoke, &call, answer_into(&a));
  assert_int_equal(a.times, 1);
  assert_int_equal(a.status, BRRR_OK);
  assert_bytes_str(a.value, "1");
  answer_drop(&a);
  brrr_memory_free(s.memory);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_value),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
