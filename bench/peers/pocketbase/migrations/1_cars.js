// The cars, open to everybody as with the other programs.
migrate((app) => {
  const open = { listRule: "", viewRule: "", createRule: "", updateRule: "" };
  const fields = [
    { type: "text", name: "name" },
    { type: "text", name: "model" },
    { type: "number", name: "doors" },
  ];
  app.save(new Collection({ type: "base", name: "cars", ...open, fields }));
});
