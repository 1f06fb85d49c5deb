//! Holds requests and answers against the OpenAPI document. The client of these tests asks here
//! for each answer that it gets, so that no answer of any test is one that the document does
//! not describe.

use crate::api::DOCUMENT;
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{LazyLock, Mutex};

/// What the document is called for references within it.
const URL: &str = "https://bruit.invalid/openapi.json";

/// The methods that a path of the document can name.
pub(super) const METHODS: [&str; 8] =
    ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The document.
pub(super) static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);

/// The operations that were answered with success, as `METHOD template status`.
static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

pub(super) struct Contract {
    pub(super) document: Value,
    schemas: Schemas,
    /// Where a schema stands, by its pointer.
    compiled: BTreeMap<String, SchemaIndex>,
}

/// A request and its answer.
#[derive(Debug)]
pub(super) struct Exchange<'a> {
    pub(super) method: &'a str,
    /// Path and query.
    pub(super) target: &'a str,
    /// Lines that end with `\r\n`.
    pub(super) headers: &'a str,
    pub(super) body: &'a [u8],
    pub(super) status: u16,
    pub(super) answer_headers: &'a [(String, String)],
    pub(super) answer_body: &'a [u8],
}

/// An operation of the document, by its pointer.
pub(super) struct Operation<'a> {
    pub(super) template: &'a str,
    pub(super) pointer: String,
    path_item: &'a Value,
    value: &'a Value,
}

impl Contract {
    fn read() -> Self {
        let document: Value = serde_json::from_str(DOCUMENT).expect("openapi.json is JSON");
        let mut compiler = Compiler::new();
        compiler.add_resource(URL, document.clone()).unwrap();
        let mut contract = Self { document, schemas: Schemas::new(), compiled: BTreeMap::new() };
        let mut pointers = Vec::new();
        schemas_below(&contract.document["paths"], "/paths", &mut pointers);
        schemas_below(&contract.document["components"], "/components", &mut pointers);
        for pointer in pointers {
            let fragment = pointer.replace('{', "%7B").replace('}', "%7D");
            let index = compiler
                .compile(&format!("{URL}#{fragment}"), &mut contract.schemas)
                .unwrap_or_else(|error| panic!("{pointer}: {error}"));
            contract.compiled.insert(pointer, index);
        }
        contract
    }

    /// Every operation: its method in upper case, its template.
    pub(super) fn operations(&self) -> BTreeSet<(String, String)> {
        let paths = self.document["paths"].as_object().unwrap();
        let of_path = |(template, item): (&String, &Value)| {
            let methods = METHODS.iter().filter(|method| item.get(**method).is_some());
            let method = |method: &&str| (method.to_ascii_uppercase(), template.clone());
            methods.map(method).collect::<Vec<_>>()
        };
        paths.iter().flat_map(of_path).collect()
    }

    /// The operation for a request.
    pub(super) fn operation(&self, method: &str, path: &str) -> Option<Operation<'_>> {
        let paths = self.document["paths"].as_object().unwrap();
        let fitting = paths
            .iter()
            .filter(|(template, item)| fits(template, path, |name| self.takes_many(item, name)));
        // One without parameters is the most specific, then the one with the longest text before
        // its first parameter.
        let rank = |template: &str| (!template.contains('{'), template.find('{'));
        let (template, path_item) = fitting.max_by_key(|(template, _)| rank(template))?;
        let method = method.to_ascii_lowercase();
        let is_any = path_item["x-any-method"] == true;
        let key = match method.as_str() {
            known if path_item.get(known).is_some() => known,
            // An answer to HEAD is that to GET without its body.
            "head" if path_item.get("get").is_some() => "get",
            _ if is_any => "post",
            _ => return None,
        };
        let pointer = format!("/paths/{}/{key}", template.replace('~', "~0").replace('/', "~1"));
        Some(Operation { template, pointer, path_item, value: &path_item[key] })
    }

    fn takes_many(&self, path_item: &Value, name: &str) -> bool {
        let operations = METHODS.iter().filter_map(|method| path_item.get(method));
        let mut lists = operations.chain([path_item]).map(|each| &each["parameters"]);
        lists.any(|list| {
            let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
            let named = |each: &&Value| self.resolve(each)["name"] == name;
            list.iter()
                .find(named)
                .is_some_and(|each| self.resolve(each)["x-many-segments"] == true)
        })
    }

    /// What a value is, or refers to.
    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        self.located("", value).1
    }

    /// As [`Contract::resolve`], with where it stands.
    fn located<'a>(&'a self, pointer: &str, value: &'a Value) -> (String, &'a Value) {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').expect("references are local");
                (pointer.to_owned(), self.document.pointer(pointer).expect("it leads somewhere"))
            }
            None => (pointer.to_owned(), value),
        }
    }

    /// Whether `value` is what the schema at `pointer` says; what is wrong, if not.
    pub(super) fn validate(&self, pointer: &str, value: &Value) -> Result<(), String> {
        let index = self.compiled.get(pointer).ok_or_else(|| format!("no schema {pointer}"))?;
        self.schemas.validate(value, *index).map_err(|error| format!("{error:#}\nin {value:#}"))
    }

    /// Checks one exchange with the API.
    pub(super) fn check(&self, exchange: &Exchange<'_>) -> Result<(), String> {
        let path = exchange.target.split('?').next().unwrap_or_default();
        let Some(operation) = self.operation(exchange.method, path) else {
            return self.check_unknown(exchange);
        };
        let responses = &operation.value["responses"];
        let status = exchange.status.to_string();
        let response = responses.get(&status).ok_or("the status is not documented")?;
        let pointer = format!("{}/responses/{status}", operation.pointer);
        let (pointer, response) = self.located(&pointer, response);
        let of_headers = response["headers"].as_object();
        for (name, header) in of_headers.into_iter().flatten() {
            if header["required"] == true && exchange.answer_header(name).is_none() {
                return Err(format!("the header {name} is missing"));
            }
        }
        self.check_body(exchange, &pointer, response)?;
        if exchange.status < 300 {
            self.check_request(exchange, &operation)?;
            let key = format!("{} {} {status}", exchange.method, operation.template);
            SEEN.lock().unwrap().insert(key);
        }
        Ok(())
    }

    /// What is no operation is answered as the document's introduction says.
    fn check_unknown(&self, exchange: &Exchange<'_>) -> Result<(), String> {
        match exchange.status {
            400 | 401 | 403 | 404 | 405 | 421 => {
                let body = exchange.json()?;
                self.validate("/components/schemas/Problem", &body)
            }
            _ => Err("the operation is not documented".to_owned()),
        }
    }

    fn check_body(
        &self,
        exchange: &Exchange<'_>,
        pointer: &str,
        response: &Value,
    ) -> Result<(), String> {
        let Some(content) = response["content"].as_object() else {
            let is_empty = exchange.answer_body.is_empty();
            return if is_empty { Ok(()) } else { Err("there is a body".to_owned()) };
        };
        let kind = exchange.answer_header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default();
        let media = content.get(kind).ok_or(format!("content type {kind:?} is not documented"))?;
        if exchange.method == "HEAD" || !kind.ends_with("json") {
            return Ok(());
        }
        let body = exchange.json()?;
        if kind == "application/problem+json" && body["status"] != exchange.status {
            return Err(format!("the problem's status is {}", body["status"]));
        }
        let schema = media.get("schema").ok_or("no schema")?;
        let schema_at = format!("{pointer}/content/{}/schema", kind.replace('/', "~1"));
        self.validate(&self.located(&schema_at, schema).0, &body)
    }

    /// What was understood must be documented too.
    fn check_request(
        &self,
        exchange: &Exchange<'_>,
        operation: &Operation<'_>,
    ) -> Result<(), String> {
        let lists = [&operation.value["parameters"], &operation.path_item["parameters"]];
        let of_list = |list: &'_ &'_ Value| list.as_array().cloned().unwrap_or_default();
        let parameters: Vec<Value> = lists.iter().flat_map(of_list).collect();
        let known = |place: &str, name: &str| {
            parameters.iter().map(|each| self.resolve(each)).any(|each| {
                let is_name = each["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name));
                each["in"] == place && is_name
            })
        };
        let is_any = operation.path_item["x-any-method"] == true;
        let query = exchange.target.split_once('?').map(|(_, query)| query).unwrap_or_default();
        for pair in query.split('&').filter(|pair| !pair.is_empty() && !is_any) {
            let name = pair.split('=').next().unwrap_or_default();
            if !known("query", name) {
                return Err(format!("the query's {name} is not documented"));
            }
        }
        for line in exchange.headers.lines() {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            let is_ours = name.starts_with("bruit-") || name == "last-event-id";
            if is_ours && name != "bruit-token" && !known("header", &name) {
                return Err(format!("the header {name} is not documented"));
            }
        }
        let pointer = format!("{}/requestBody", operation.pointer);
        let Some(body) = operation.value.get("requestBody") else { return Ok(()) };
        let media = &body["content"]["application/json"];
        let Some(schema) = media.get("schema").filter(|_| !exchange.body.is_empty()) else {
            return Ok(());
        };
        let given = serde_json::from_slice(exchange.body).map_err(|error| error.to_string())?;
        let at = format!("{pointer}/content/application~1json/schema");
        self.validate(&self.located(&at, schema).0, &given).map_err(|e| format!("request: {e}"))
    }

    /// Checks one server-sent event of the operation at `path`.
    pub(super) fn check_event(&self, path: &str, event: &str, data: &Value) {
        let operation = self.operation("GET", path).expect("a documented stream");
        let pointer = "/responses/200/content/text~1event-stream/x-events";
        let events = operation.value.pointer(pointer).expect("its events are documented");
        let schema = events.get(event).unwrap_or_else(|| panic!("{path} has no event {event}"));
        let (at, _) = self.located("", schema);
        self.validate(&at, data).unwrap_or_else(|error| panic!("{path}, event {event}: {error}"));
    }
}

impl Operation<'_> {
    /// The statuses of success that are documented, but for those of a stream, whose answer has
    /// no end.
    pub(super) fn successes(&self) -> impl Iterator<Item = &str> {
        let responses = self.value["responses"].as_object().into_iter().flatten();
        let is_stream = |response: &Value| response["content"].get("text/event-stream").is_some();
        responses
            .filter(move |(status, response)| status.starts_with('2') && !is_stream(response))
            .map(|(status, _)| status.as_str())
    }
}

impl Exchange<'_> {
    fn answer_header(&self, name: &str) -> Option<&str> {
        let mut headers = self.answer_headers.iter();
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Result<Value, String> {
        serde_json::from_slice(self.answer_body).map_err(|error| format!("not JSON: {error}"))
    }
}

/// Panics if the document does not describe this exchange.
pub(super) fn check(exchange: &Exchange<'_>) {
    if let Err(error) = CONTRACT.check(exchange) {
        let Exchange { method, target, status, answer_body, .. } = exchange;
        let body = String::from_utf8_lossy(answer_body);
        panic!(
            "{method} {target} is answered {status}, against openapi.json: {error}\n{body:.2000}"
        );
    }
}

/// Whether some test of this process so far was answered so.
pub(super) fn was_seen(method: &str, template: &str, status: &str) -> bool {
    SEEN.lock().unwrap().contains(&format!("{method} {template} {status}"))
}

/// Whether a path is one of a template, `{name}` standing for one segment, or for any text where
/// `takes_many` says so.
fn fits(template: &str, path: &str, takes_many: impl Fn(&str) -> bool) -> bool {
    let mut rest = path;
    for (place, segment) in template.split('/').enumerate() {
        let name = segment.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        if name.is_some_and(&takes_many) {
            return rest.is_empty() || rest.starts_with('/');
        }
        if place > 0 {
            let Some(after) = rest.strip_prefix('/') else { return false };
            rest = after;
        }
        let end = rest.find('/').unwrap_or(rest.len());
        let is_fitting = if name.is_some() { end > 0 } else { rest[..end] == *segment };
        if !is_fitting {
            return false;
        }
        rest = &rest[end..];
    }
    rest.is_empty()
}

/// The pointers of all schemas below a value.
fn schemas_below(value: &Value, pointer: &str, found: &mut Vec<String>) {
    let step = |key: &str| {
        let mut text = pointer.to_owned();
        write!(text, "/{}", key.replace('~', "~0").replace('/', "~1")).unwrap();
        text
    };
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let is_schemas = key == "schemas" && pointer == "/components";
                if is_schemas {
                    let names = inner.as_object().unwrap().keys();
                    found.extend(names.map(|name| format!("{}/{name}", step(key))));
                } else if key == "schema" {
                    found.push(step(key));
                } else if !matches!(key.as_str(), "example" | "examples") {
                    schemas_below(inner, &step(key), found);
                }
            }
        }
        Value::Array(list) => {
            for (place, inner) in list.iter().enumerate() {
                schemas_below(inner, &step(&place.to_string()), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
