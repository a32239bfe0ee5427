import { expect, test } from "vitest";
import { type ContainerUser, chooseUser } from "./docker-user.ts";

const root = { uid: 0, gid: 0 };
const person = { uid: 1000, gid: 100 };
const kept: ContainerUser = { type: "image" };
const made = (uid: number, gid: number): ContainerUser => ({ type: "made", uid, gid });

test.each<[string, string, typeof root, ContainerUser]>([
  ["image", "", root, kept],
  ["image", "root", person, kept],
  ["1000:100", "", root, { type: "given", user: "1000:100" }],
  ["0", "flytekit", root, { type: "given", user: "0" }],
  ["auto", "flytekit", root, kept],
  ["auto", "1000:0", root, kept],
  ["auto", "", root, made(65532, 65532)],
  ["auto", "root:staff", root, made(65532, 65532)],
  ["auto", "0:1000", root, made(65532, 65532)],
  ["auto", "00", root, made(65532, 65532)],
  ["auto", "", person, made(1000, 100)],
  ["auto", "root", person, made(1000, 100)],
])("told %s, an image with user %j runs, started by %j, as %j", (setting, imageUser, agent, expected) => {
  expect(chooseUser(setting, imageUser, agent)).toEqual(expected);
});
