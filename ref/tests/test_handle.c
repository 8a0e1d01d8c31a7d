/* SPDX-License-Identifier: AGPL-3.0-only */
#include "world.h"

#define TOPIC BRRR_LIT("topic-t")
#define MESSAGE "li2e5:root11:he"
#define CALL                                                                   \
  "d7:payload4:\x01\x02\xfe\xff"                                               \
  "9:task_name4:leafe"

static brrr_status handle(world *w, const char *message, brrr_error *err) {
  brrr_op *op = NULL;
  heap h = {0};
  const brrr_bytes octets = exact(brrr_bytes_str(message));
  assert_int_equal(brrr_op_handle(&op, heap_alloc(&h), NULL, TOPIC, octets),
                   BRRR_OK);
  exact_free(octets);
  const brrr_status s = world_run(w, op);
  *err = *brrr_op_error(op);
  brrr_op_free(op);
  assert_int_equal(h.live, 0);
  return s;
}

static void test_leaf(void **state) {
  (void)state;
  world w;
  world_init(&w);
  brrr_error err;
  world_set(&w, BRRR_KIND_CALL, "h", CALL);
  w.answer.value = BRRR_LIT("\xff");
  assert_int_equal(handle(&w, MESSAGE, &err), BRRR_OK);
  assert_log(&w, "get, retry call/h\ninvoke h\nset value/h\n"
                 "get pending_returns/h\n");
  assert_stored(&w, BRRR_KIND_VALUE, "h", "\xff");
  world_free(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_leaf),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
