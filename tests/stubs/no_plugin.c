/* A shared object that is none of ours. */
int no_plugin_answer(void);

int no_plugin_answer(void)
{
    return 42;
}
