//! The contract of the cars API, row by row. The rows "database away" are in `outage`.

use serde_json::{Value, json};

use crate::client::{Connection, Request, chunked};
use crate::program::{Cars, Server};

const MODEL_S: &str = r#"{"name":"Model S","model":"Tesla","doors":4}"#;
const MODEL_X: &str = r#"{"name":"Model X","model":"Tesla","doors":5}"#;

/// Asserts that nothing was written.
#[track_caller]
fn assert_empty(server: &Server) {
    assert_eq!(server.get("/cars").text(), r#"{"count":0,"cars":[]}"#);
}

#[test]
fn the_tutorials_calls_have_the_tutorials_answers() {
    for cars in Cars::each() {
        let model_s = json!({"name": "Model S", "model": "Tesla", "doors": 4});
        let model_x = json!({"name": "Model X", "model": "Tesla", "doors": 5});
        for (request, body) in [
            (Request::get("/"), json!({"hello": "world"})),
            (Request::get("/cars"), json!({"count": 0, "cars": []})),
            (Request::post("/cars").json(MODEL_S), json!({"message": "car Model S has been created successfully."})),
            (Request::get("/cars"), json!({"count": 1, "cars": [&model_s]})),
            (Request::get("/cars/1"), json!({"message": "success", "car": &model_s})),
            (Request::put("/cars/1").json(MODEL_X), json!({"message": "car Model X successfully updated"})),
            (Request::get("/cars/1"), json!({"message": "success", "car": &model_x})),
            (Request::delete("/cars/1"), json!({"message": "Car Model X successfully deleted."})),
            (Request::get("/cars"), json!({"count": 0, "cars": []})),
        ] {
            assert_eq!(cars.ask(&request).json(), body, "{} {}", request.method, request.path);
        }
        cars.get("/cars/1").problem(404);
    }
}

#[test]
fn bodies_are_written_as_the_contract_writes_them() {
    for cars in Cars::each() {
        assert_eq!(cars.get("/").text(), r#"{"hello":"world"}"#);
        cars.create("Model S", "Tesla", 4);
        assert_eq!(cars.get("/cars").text(), format!(r#"{{"count":1,"cars":[{MODEL_S}]}}"#));
        assert_eq!(cars.get("/cars/1").text(), format!(r#"{{"message":"success","car":{MODEL_S}}}"#));
    }
}

#[test]
fn the_list_is_in_the_order_of_the_ids() {
    for cars in Cars::each() {
        for name in ["c", "a", "d", "b"] {
            cars.create(name, "m", 1);
        }
        // PostgreSQL moves a row that is updated to the end of the table, and fills the place of a deleted one.
        cars.ask(&Request::put("/cars/1").json(r#"{"name":"C","model":"m","doors":1}"#)).json();
        cars.ask(&Request::delete("/cars/2")).json();
        cars.create("e", "m", 1);
        let list = cars.get("/cars").json();
        let names: Vec<_> = list["cars"].as_array().unwrap().iter().map(|car| car["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["C", "d", "b", "e"]);
        assert_eq!(list["count"], 4);
    }
}

#[test]
fn every_json_media_type_is_accepted() {
    for cars in Cars::each() {
        let types = [
            "application/json",
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            "Application/JSON",
            "application/vnd.api+json",
            "application/merge-patch+json",
        ];
        for media_type in types {
            let request = Request::post("/cars").header("content-type", media_type).body(MODEL_S);
            assert_eq!(cars.ask(&request).status, 200, "{media_type}");
            let request = Request::put("/cars/1").header("content-type", media_type).body(MODEL_X);
            assert_eq!(cars.ask(&request).status, 200, "{media_type}");
        }
        assert_eq!(cars.get("/cars").json()["count"], types.len());
    }
}

#[test]
fn keys_that_the_model_lacks_are_ignored() {
    for cars in Cars::each() {
        let car = r#"{"id":77,"colour":{"deep":["red"]},"name":"Model S","model":"Tesla","doors":4,"":null}"#;
        cars.ask(&Request::post("/cars").json(car)).json();
        cars.get("/cars/77").problem(404);
        cars.ask(&Request::put("/cars/1").json(car)).json();
        assert_eq!(cars.get("/cars").text(), format!(r#"{{"count":1,"cars":[{MODEL_S}]}}"#));
    }
}

#[test]
fn text_comes_back_as_it_was_given() {
    for cars in Cars::each() {
        let long = "x".repeat(100_000);
        let names = [
            "",
            " ",
            "Škoda Ünïcödé",
            "車 🚗 e\u{301}",
            "سيارة",
            "\u{1F469}\u{200D}\u{1F527}",
            "\u{10FFFF}\u{FEFF}",
            r#"a "quoted" \ name"#,
            "'; DROP TABLE cars; --",
            "$1 {} %s",
            "line\nbreak\ttab\u{1}\u{7f}",
            "<b>&amp;</b>",
            &long,
        ];
        for (index, name) in names.iter().enumerate() {
            let id = index + 1;
            cars.create(name, name, 4);
            let found = cars.get(&format!("/cars/{id}")).json();
            assert_eq!(found["car"], json!({"name": name, "model": name, "doors": 4}));
        }
        let escaped = r#"{"name":"\u8eca \ud83d\ude97 e\u0301","model":"m","doors":4}"#;
        let answer = cars.ask(&Request::put("/cars/1").json(escaped));
        assert_eq!(answer.text(), "{\"message\":\"car 車 🚗 e\u{301} successfully updated\"}");
        let list = cars.get("/cars").json();
        let listed = list["cars"].as_array().unwrap().iter().map(|car| car["name"].as_str().unwrap());
        let expected = ["車 🚗 e\u{301}"].iter().chain(&names[1..]);
        assert!(listed.eq(expected.copied()));
    }
}

#[test]
fn a_body_that_is_not_declared_as_json_is_415() {
    for cars in Cars::each() {
        let post = || Request::post("/cars").body(MODEL_S);
        for request in [
            post(),
            post().header("content-type", "text/plain"),
            post().header("content-type", "application/x-www-form-urlencoded"),
            post().header("content-type", "text/json"),
            post().header("content-type", "application/jsonp"),
            post().header("content-type", ""),
            Request::post("/cars"),
        ] {
            let problem = cars.ask(&request).problem(415);
            assert_eq!(problem["error"], "The request payload is not in JSON format");
            assert_eq!(problem["code"], "not_json");
        }
        assert_empty(&cars);
        cars.create("Model S", "Tesla", 4);
        let problem = cars.ask(&Request::put("/cars/1").body(MODEL_X)).problem(415);
        assert_eq!(problem["error"], "The request payload is not in JSON format");
    }
}

#[test]
fn what_is_not_json_is_400() {
    for cars in Cars::each() {
        let deep = "[".repeat(100_000);
        let bodies: &[&[u8]] = &[
            b"",
            b" ",
            b"{",
            br#"{"name":"#,
            br#"{"name":"Model S","model":"Tesla","doors":4,}"#,
            br#"{"name":"Model S","model":"Tesla","doors":4} x"#,
            br#"{"name":"Model S","model":"Tesla","doors":04}"#,
            br#"{'name':'Model S'}"#,
            b"name=Model+S",
            b"NaN",
            b"{\"name\":\"\xff\",\"model\":\"Tesla\",\"doors\":4}",
            b"{\"name\":\"\xc3\",\"model\":\"Tesla\",\"doors\":4}",
            b"{\"name\":\"\xed\xa0\x80\",\"model\":\"Tesla\",\"doors\":4}",
            br#"{"name":"\ud800","model":"Tesla","doors":4}"#,
            b"\xef\xbb\xbf",
            b"\x00",
            deep.as_bytes(),
        ];
        for body in bodies {
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]);
            for request in [Request::post("/cars"), Request::put("/cars/1")] {
                let answer = cars.ask(&request.json(*body));
                assert_eq!(answer.status, 400, "{shown}");
                assert_eq!(answer.problem(400)["code"], "invalid_json", "{shown}");
            }
        }
        assert_empty(&cars);
    }
}

/// What a body breaks: the pointer of a field and the rule, for each.
type Broken = &'static [(&'static str, &'static str)];

const UNFIT: &[(&str, Broken)] = &[
    (r#"{"model":"m","doors":4}"#, &[("/name", "is required")]),
    (r#"{"name":"n","doors":4}"#, &[("/model", "is required")]),
    (r#"{"name":"n","model":"m"}"#, &[("/doors", "is required")]),
    (r#"{"name":"n","model":"m","Doors":4}"#, &[("/doors", "is required")]),
    (r#"{}"#, &[("/name", "is required"), ("/model", "is required"), ("/doors", "is required")]),
    (r#"{"name":"n","model":"m","doors":"3"}"#, &[("/doors", "must be an integer, not a string")]),
    (r#"{"name":"n","model":"m","doors":4.5}"#, &[("/doors", "must be an integer")]),
    (r#"{"name":"n","model":"m","doors":true}"#, &[("/doors", "must be an integer, not a boolean")]),
    (r#"{"name":"n","model":"m","doors":[4]}"#, &[("/doors", "must be an integer, not an array")]),
    (r#"{"name":"n","model":"m","doors":{"n":4}}"#, &[("/doors", "must be an integer, not an object")]),
    (r#"{"name":["a","b"],"model":"m","doors":4}"#, &[("/name", "must be a string, not an array")]),
    (r#"{"name":7,"model":"m","doors":4}"#, &[("/name", "must be a string, not a number")]),
    (r#"{"name":{},"model":"m","doors":4}"#, &[("/name", "must be a string, not an object")]),
    (r#"{"name":null,"model":"m","doors":4}"#, &[("/name", "must be a string, not null")]),
    (r#"{"name":"n","model":"m","doors":null}"#, &[("/doors", "must be an integer, not null")]),
    (r#"{"name":"n","model":"m","doors":2147483648}"#, &[("/doors", RANGE)]),
    (r#"{"name":"n","model":"m","doors":-2147483649}"#, &[("/doors", RANGE)]),
    (r#"{"name":"n","model":"m","doors":99999999999999999999999999}"#, &[("/doors", RANGE)]),
    (r#"{"name":"n","model":"m","doors":1e300}"#, &[("/doors", RANGE)]),
    (r#"{"name":"n","model":"m","doors":-1}"#, &[("/doors", "must satisfy doors >= 0")]),
    (r#"{"name":"a\u0000b","model":"m","doors":4}"#, &[("/name", NUL)]),
    (r#"{"name":"\u0000","model":"\u0000","doors":4}"#, &[("/name", NUL), ("/model", NUL)]),
    (
        r#"{"name":["a","b"],"model":null,"doors":"3"}"#,
        &[
            ("/name", "must be a string, not an array"),
            ("/model", "must be a string, not null"),
            ("/doors", "must be an integer, not a string"),
        ],
    ),
    (r#"{"name":"a\u0000b","doors":2147483648}"#, &[("/name", NUL), ("/model", "is required"), ("/doors", RANGE)]),
    ("[]", OBJECT),
    (r#"[{"name":"n","model":"m","doors":4}]"#, OBJECT),
    (r#""car""#, OBJECT),
    ("4", OBJECT),
    ("null", OBJECT),
    ("true", OBJECT),
];

const RANGE: &str = "must be between -2147483648 and 2147483647";
const NUL: &str = "must not contain the character U+0000";
const OBJECT: Broken = &[("", "must be an object")];

#[test]
fn json_that_does_not_fit_the_model_is_422() {
    for cars in Cars::each() {
        cars.create("Model S", "Tesla", 4);
        for (body, broken) in UNFIT {
            let errors: Vec<Value> =
                broken.iter().map(|(pointer, detail)| json!({"pointer": pointer, "detail": detail})).collect();
            for request in [Request::post("/cars"), Request::put("/cars/1")] {
                let answer = cars.ask(&request.json(*body));
                assert_eq!(answer.status, 422, "{body}: {}", answer.text());
                let problem = answer.problem(422);
                assert_eq!(problem["errors"], Value::from(errors.clone()), "{body}");
                assert_eq!(problem["code"], "invalid_payload", "{body}");
            }
        }
        assert_eq!(cars.get("/cars").text(), format!(r#"{{"count":1,"cars":[{MODEL_S}]}}"#));
    }
}

#[test]
fn the_ends_of_the_columns_range_are_in_it() {
    for cars in Cars::each() {
        for (index, (doors, stored)) in
            [("0", 0), ("-0", 0), ("2147483647", i32::MAX), ("4.0", 4), ("4e0", 4)].into_iter().enumerate()
        {
            let body = format!(r#"{{"name":"n","model":"m","doors":{doors}}}"#);
            cars.ask(&Request::post("/cars").json(body)).json();
            assert_eq!(cars.get(&format!("/cars/{}", index + 1)).json()["car"]["doors"], stored, "{doors}");
        }
    }
}

#[test]
fn an_id_that_names_no_car_is_404() {
    for cars in Cars::each() {
        cars.create("Model S", "Tesla", 4);
        let ids = [
            "2",
            "0",
            "-1",
            "2147483647",
            "-2147483648",
            "2147483648",
            "-2147483649",
            "99999999999999999999",
            "abc",
            "1.0",
            "1e0",
            "0x1",
            "1abc",
            "%20",
            "1%20",
            "%00",
            "%ff",
            "1%2f1",
            "%F0%9F%9A%97",
            "1;",
        ];
        for id in ids {
            let path = format!("/cars/{id}");
            for request in [Request::get(&path), Request::put(&path).json(MODEL_X), Request::delete(&path)] {
                let answer = cars.ask(&request);
                assert_eq!(answer.status, 404, "{} {path}: {}", request.method, answer.text());
                assert_eq!(answer.problem(404)["code"], "not_found", "{} {path}", request.method);
            }
            let answer = cars.ask(&Request::head(&path));
            assert_eq!((answer.status, answer.body.len()), (404, 0), "{path}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
        }
        assert_eq!(cars.get("/cars").text(), format!(r#"{{"count":1,"cars":[{MODEL_S}]}}"#));
        let problem = cars.get("/cars/2").problem(404);
        assert!(problem["detail"].as_str().unwrap().contains('2'), "{problem}");
    }
}

#[test]
fn an_unknown_path_is_404() {
    for cars in Cars::each() {
        for path in
            ["/nothing", "/cars/", "/cars/1/", "/cars/1/doors", "/Cars", "//cars", "/cars%2F1", "/.%2e/etc/passwd"]
        {
            for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
                let answer = cars.ask(&Request::new(method, path));
                assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
                if method != "HEAD" {
                    assert_eq!(answer.problem(404)["code"], "not_found");
                }
            }
        }
    }
}

#[test]
fn a_wrong_method_is_405_and_says_which_are_right() {
    for cars in Cars::each() {
        for (path, allowed, wrong) in [
            ("/", &["GET", "HEAD"][..], &["POST", "PUT", "DELETE", "PATCH", "BREW"][..]),
            ("/cars", &["GET", "HEAD", "POST"], &["PUT", "DELETE", "PATCH", "BREW"]),
            ("/cars/1", &["DELETE", "GET", "HEAD", "PUT"], &["POST", "PATCH", "BREW"]),
            ("/healthz", &["GET", "HEAD"], &["POST", "PUT", "DELETE"]),
        ] {
            for method in wrong {
                // The method is judged before the body.
                for request in [Request::new(method, path), Request::new(method, path).json(MODEL_S)] {
                    let answer = cars.ask(&request);
                    let allow = answer.header("allow").unwrap_or_default();
                    let mut methods: Vec<_> = allow.split(',').map(str::trim).collect();
                    methods.sort_unstable();
                    assert_eq!(methods, allowed, "{method} {path}");
                    assert_eq!(answer.problem(405)["code"], "method_not_allowed", "{method} {path}");
                }
            }
        }
        assert_empty(&cars);
    }
}

#[test]
fn head_is_get_without_the_body() {
    for cars in Cars::each() {
        cars.create("Model S", "Tesla", 4);
        for path in ["/", "/cars", "/cars/1"] {
            let (head, get) = (cars.ask(&Request::head(path)), cars.get(path));
            assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
            assert_eq!(head.header("content-type"), Some("application/json"), "{path}");
            assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        }
    }
}

/// A car whose JSON has this length.
fn car_of(length: usize) -> String {
    let frame = r#"{"name":"","model":"m","doors":4}"#;
    frame.replace(r#""name":"""#, &format!(r#""name":"{}""#, "n".repeat(length - frame.len())))
}

#[test]
fn a_body_over_the_limit_is_413() {
    const LIMIT: usize = 1024 * 1024;
    for cars in Cars::each() {
        let post = || Request::post("/cars").header("content-type", "application/json");
        let in_chunks =
            |length| post().header("transfer-encoding", "chunked").body(chunked(car_of(length).as_bytes(), 10_000));
        for (request, large) in [
            (post().body(car_of(LIMIT)), false),
            (in_chunks(LIMIT), false),
            (post().body(car_of(LIMIT + 1)), true),
            (in_chunks(LIMIT + 1), true),
            // The answer is received though all of the body is sent before it is read.
            (post().body(car_of(4 * LIMIT)), true),
            (in_chunks(4 * LIMIT), true),
            // A client that asks first sends nothing of it.
            (post().header("content-length", "1000000000000").header("expect", "100-continue"), true),
        ] {
            let answer = cars.ask(&request);
            if large {
                assert_eq!(answer.problem(413)["code"], "body_too_large");
            } else {
                answer.json();
            }
        }
        assert_eq!(cars.get("/cars").json()["count"], 2);
        cars.ask(&Request::put("/cars/1").json(car_of(LIMIT + 1))).problem(413);
        // What is not JSON is not worth a look at its length.
        cars.ask(&Request::post("/cars").body(car_of(LIMIT + 1))).problem(415);
    }
}

#[test]
fn a_body_that_ends_early_writes_nothing() {
    for cars in Cars::each() {
        for cut in [&MODEL_S[..20], MODEL_S] {
            let request = Request::post("/cars").json(cut).header("content-length", "100");
            let mut connection = Connection::open(cars.address()).unwrap();
            connection.send(&request.bytes()).unwrap();
            connection.end().unwrap();
            // The connection may also be closed without an answer.
            if let Ok(answer) = connection.answer("POST") {
                answer.problem(400);
            }
        }
        assert_empty(&cars);
    }
}
