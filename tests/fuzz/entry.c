/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer's entries for the one target that FUZZ_TARGET names. */
#include "fuzz/fuzz.h"
#include "fuzz/mutate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FUZZ_TARGET(data, size);
	return 0;
}

/* Texts are changed as trees as often as octet by octet. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed)
{
	size_t begin = FUZZ_TARGET != fuzz_config, n = 0;

	if (FUZZ_TARGET != fuzz_dns && size > begin && seed % 2)
		n = mutate_json((char *)data + begin, size - begin, most - begin, seed / 2);
	if (n == 0)
		return LLVMFuzzerMutate(data, size, most);
	if (FUZZ_TARGET == fuzz_control && begin + n < most)
		data[begin + n++] = '\n';
	return begin + n;
}
