/* SPDX-License-Identifier: AGPL-3.0-only
 *
 * test_defer_memory.c - a defer, with each allocation failing in its turn.
 */
#include "world.h"

#define CHILD(hash)                                                            \
  {                                                                            \
    .call = { BRRR_INIT(hash), BRRR_INIT("child"), BRRR_INIT("[" hash "]") }   \
  }

static const brrr_child three[] = {CHILD("a"), CHILD("b"), CHILD("c")};

/* Two children, one of them with a record; one on a topic of its own. */
static brrr_bytes before_sweep(world *w) {
  world_init(w);
  const brrr_call parent = {world_long(w, 'p'), world_long(w, 't'),
                            world_long(w, 'a')};
  const brrr_bytes root1 = world_long(w, '1'), root2 = world_long(w, '2');
  brrr_child *children = brrr_arena_get(&w->arena, 2 * sizeof *children);
  assert_non_null(children);
  children[0] = (brrr_child){
      {NULL, 0}, {world_long(w, 'x'), world_long(w, 't'), world_long(w, 'a')}};
  children[1] = (brrr_child){
      world_long(w, 'u'),
      {world_long(w, 'y'), world_long(w, 't'), world_long(w, 'b')}};
  brrr_pending_return returns[] = {{root2, parent.call_hash, WORLD_TOPIC},
                                   {root1, world_long(w, 'q'), WORLD_TOPIC}};
  world_put(w, (brrr_key){BRRR_KIND_CALL, parent.call_hash},
            world_call(w, &parent));
  world_put(w,
            (brrr_key){BRRR_KIND_PENDING_RETURNS, children[1].call.call_hash},
            world_returns(w, returns, 2));
  w->answer = (brrr_reply){
      .status = BRRR_DEFER, .now = WORLD_NOW, .children = children, .count = 2};
  return world_message(w, root1, parent.call_hash);
}

static void test_memory(void **state) {
  (void)state;
  heap_sweep(world_sweep_handle, &(world_before *){before_sweep});
}

/* So many that the arrays of children and strands take blocks of their own. */
static brrr_bytes before_sweep_of_many(world *w) {
  enum { COUNT = 5000 };
  world_init(w);
  world_set(w, BRRR_KIND_CALL, "p", "d7:payload2:[]9:task_name6:parente");
  brrr_child *children = brrr_arena_get(&w->arena, COUNT * sizeof *children);
  assert_non_null(children);
  for (size_t i = 0; i < COUNT; i++)
    children[i] = three[i % 3];
  w->answer = (brrr_reply){.status = BRRR_DEFER,
                           .now = WORLD_NOW,
                           .children = children,
                           .count = COUNT};
  return BRRR_LIT("li2e5:root11:pe");
}

static void test_memory_of_many(void **state) {
  (void)state;
  heap_sweep(world_sweep_handle, &(world_before *){before_sweep_of_many});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_memory_of_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
