import { expect, test } from "vitest";
import { checkedAddresses, isPublicAddress } from "./public-address.ts";

test.each([
  ...["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"],
  ...["255.255.255.255", "198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1"],
  ...["::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "localhost", ""],
])("%s is not public", (address) => expect(isPublicAddress(address)).toBe(false));

test.each(["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])("%s is public", (address) =>
  expect(isPublicAddress(address)).toBe(true),
);

/** Ways to write an address of this machine, or of a cloud's metadata. */
const INSIDE = [
  ...["https://127.0.0.1/x", "https://127.1/", "https://2130706433/", "https://0x7f.1/", "https://[::1]/"],
  ...[
    "https://localhost/",
    "https://localhost./",
    "https://[::ffff:127.0.0.1]:8443/",
    "https://169.254.169.254/latest",
  ],
];

test.each(INSIDE)("%s is refused for good, and the refusal says what to do", async (url) => {
  const refusal = checkedAddresses(new URL(url), []);
  await expect(refusal).rejects.toMatchObject({ isFinal: true });
  await expect(refusal).rejects.toThrow("SKEIN_WEBHOOK_ALLOWED_HOSTS");
});

test("a host inside is reached, without TLS too, when it is allowed by exactly its name", async () => {
  expect(await checkedAddresses(new URL("http://127.0.0.1:8080/"), ["127.0.0.1"])).toEqual([
    { address: "127.0.0.1", family: 4 },
  ]);
  expect(await checkedAddresses(new URL("http://[::1]/"), ["::1"])).toEqual([{ address: "::1", family: 6 }]);
  await expect(checkedAddresses(new URL("http://127.0.0.1/"), ["127.0.0.10"])).rejects.toThrow("without TLS");
  await expect(checkedAddresses(new URL("http://8.8.8.8/"), [])).rejects.toThrow("without TLS");
});
